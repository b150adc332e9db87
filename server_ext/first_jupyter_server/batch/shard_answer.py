"""The answer to a shard, line by line, as far and as fast as whoever reads it keeps up."""

from __future__ import annotations

import asyncio
from collections import deque

import orjson
from first_jupyter_remote.protocol.shards import Line

from first_jupyter_server.dataplane.upstream import UpstreamConnection

__all__ = ["ShardAnswer"]

AHEAD = 1_000
"""Lines that may wait to be read."""


class ShardAnswer:
    """Iterates over the lines; ends when the answer does, whole or not.

    Parameters
    ----------
    connection
        What it comes by.
    """

    def __init__(self, connection: UpstreamConnection) -> None:
        self._connection: UpstreamConnection | None = connection
        self._lines: deque[bytes] = deque()
        self._rest = b""
        self._status = 0
        self._more = asyncio.Event()
        self.trouble: str | None = None

    def __aiter__(self) -> ShardAnswer:
        return self

    async def __anext__(self) -> Line:
        while not self._lines:
            if self._connection is None:
                raise StopAsyncIteration
            self._connection.resume_reading()
            self._more.clear()
            await self._more.wait()
        return Line.from_bytes(self._lines.popleft())

    def close(self) -> None:
        """Leave it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()

    # as a receiver

    def on_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Take the status."""
        self._status = status

    def on_data(self, data: bytes) -> None:
        """Take lines; of a refusal, what it says."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if self._status != 200:
            self._rest = b"\n".join([*lines, self._rest])
            return
        self._lines.extend(lines)
        if len(self._lines) > AHEAD and self._connection is not None:
            self._connection.pause_reading()
        self._more.set()

    def on_end(self) -> None:
        """Take note of the end."""
        if self._status != 200:
            self.trouble = _message(self._rest)
        self._connection = None
        self._more.set()

    def on_lost(self, reused: bool) -> None:
        """Take note that the rest does not come."""
        self.trouble = "The rest of an answer by Globus Compute did not come; its rows are asked again."
        self._connection = None
        self._more.set()


def _message(body: bytes) -> str:
    try:
        return str(orjson.loads(body)["error"]["message"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "It was refused without a reason."
