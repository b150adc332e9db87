"""The catalog's changes as server-sent events, for kernels."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson

from .downstream import Connection

__all__ = ["EventStream"]

KEEP_ALIVE = 15.0
"""Seconds between two comments on a quiet stream."""


class EventStream:
    """One subscriber: gets the catalog at once and at each change, the latest alone where it is slow.

    Parameters
    ----------
    connection
        The subscriber's connection.
    catalog
        The catalog as it is now, as the control API shows it.
    closed
        Called when the subscriber has left.
    """

    def __init__(
        self, connection: Connection, catalog: dict[str, Any], closed: Callable[[EventStream], None]
    ) -> None:
        self._connection = connection
        self._closed = closed
        self._blocked = False
        self._missed: dict[str, Any] | None = None
        headers = [
            (b"content-type", b"text/event-stream"),
            (b"cache-control", b"no-cache"),
            (b"x-accel-buffering", b"no"),
            (b"transfer-encoding", b"chunked"),
        ]
        connection.attach(self)
        connection.write(connection.head(200, headers))
        self.tell(catalog)
        self._timer = asyncio.get_running_loop().call_later(KEEP_ALIVE, self._keep_alive)

    def tell(self, catalog: dict[str, Any]) -> None:
        """Send the catalog."""
        if self._blocked:
            self._missed = catalog
        else:
            self._write(b"event: models\ndata: " + orjson.dumps(catalog) + b"\n\n")

    def _keep_alive(self) -> None:
        if not self._blocked:
            self._write(b": still here\n\n")
        self._timer = asyncio.get_running_loop().call_later(KEEP_ALIVE, self._keep_alive)

    def _write(self, data: bytes) -> None:
        self._connection.write(b"%x\r\n%b\r\n" % (len(data), data))

    def on_client_gone(self) -> None:
        """Forget the subscriber."""
        self._timer.cancel()
        self._closed(self)

    def on_write_blocked(self) -> None:
        """Keep only the latest."""
        self._blocked = True

    def on_write_possible(self) -> None:
        """Send what was missed."""
        self._blocked = False
        if self._missed is not None:
            missed, self._missed = self._missed, None
            self.tell(missed)
