"""A child's own end: JSON lines from the extension, and to it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import orjson

__all__ = ["ParentPipe", "sender"]

Message = dict[str, Any]


class ParentPipe(asyncio.Protocol):
    """Reads JSON lines from the extension; the end of the pipe is the end of this process.

    Parameters
    ----------
    receive
        Takes each message.
    closed
        Set when the extension has gone, however it went.
    """

    def __init__(self, receive: Callable[[Message], None], closed: asyncio.Event) -> None:
        self._receive = receive
        self._closed = closed
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        """Hand over each whole line."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._receive(orjson.loads(line))

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._closed.set()


async def sender() -> Callable[[Message], None]:
    """Return what sends messages to the extension."""
    loop = asyncio.get_running_loop()
    out, _ = await loop.connect_write_pipe(asyncio.Protocol, sys.stdout)

    def send(message: Message) -> None:
        if not out.is_closing():  # what is said of a pipe that broke is to be sent through it, too
            out.write(orjson.dumps(message) + b"\n")

    return send
