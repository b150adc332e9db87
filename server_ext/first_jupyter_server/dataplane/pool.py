"""The connections to one replica: idle ones are kept for the next request."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable

from .dialing import authority, dial
from .upstream import UpstreamConnection

__all__ = ["Pool", "Way"]

Way = Callable[[Callable[[], UpstreamConnection]], Awaitable[UpstreamConnection]]
"""Makes a connection for the protocol that it is given; raises ``OSError`` where it cannot."""


class Pool:
    """The connections to one address.

    Parameters
    ----------
    host, port, tls
        The address, and whether it speaks TLS.
    way
        What makes a connection to it, where that is not its address.
    """

    def __init__(self, host: str, port: int, *, tls: bool = False, way: Way | None = None) -> None:
        self.host = host
        self.port = port
        self.tls = tls
        self._way = way
        self.authority = authority(host, port, tls=tls)
        self._idle: list[UpstreamConnection] = []
        self._closed = False

    async def dial(self) -> UpstreamConnection:
        """Make a new connection.

        Raises
        ------
        OSError
            Where the address cannot be reached; with what to do now.
        """
        if self._way is not None:
            return await self._way(lambda: UpstreamConnection(self))
        return await dial(lambda: UpstreamConnection(self), self.host, self.port, tls=self.tls)

    def take(self) -> UpstreamConnection | None:
        """Return an idle connection, the most recently used first, if there is one."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.transport.is_closing():
                return connection
        return None

    def release(self, connection: UpstreamConnection) -> None:
        """Keep a connection for the next request."""
        if self._closed:
            connection.transport.close()
        else:
            self._idle.append(connection)

    def forget(self, connection: UpstreamConnection) -> None:
        """Drop a connection that has gone."""
        with contextlib.suppress(ValueError):
            self._idle.remove(connection)

    def close(self) -> None:
        """Close the idle connections now, and busy ones once their answers are whole."""
        self._closed = True
        for connection in self._idle:
            connection.transport.close()
        self._idle.clear()
