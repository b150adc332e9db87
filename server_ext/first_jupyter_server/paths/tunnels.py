"""The tunnels that node agents dialled: each gives connections to its replica like an address would."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from first_jupyter_remote.protocol.connection import RESUME_WITHIN, Connection
from first_jupyter_remote.protocol.frames import Frame
from first_jupyter_remote.protocol.link import Link, said
from first_jupyter_remote.protocol.streams import Streams

__all__ = ["Tunnels"]

WAIT_FOR = 5.0
"""Seconds that a request waits for a tunnel that is away: its node agent dials again at once."""

P = TypeVar("P", bound=asyncio.BaseProtocol)


class Tunnels:
    """All tunnels, by the ids of their replicas.

    Parameters
    ----------
    changed
        Called with a replica's id, and whether its tunnel is there now.
    """

    def __init__(self, changed: Callable[[str, bool], None]) -> None:
        self._changed = changed
        self._tunnels: dict[str, _Tunnel] = {}
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}

    async def take(self, sock: socket.socket, replica: str, answer: bytes) -> None:
        """Take over a connection from a replica's node agent, who has shown its key.

        Parameters
        ----------
        sock
            The connection.
        replica
            The replica.
        answer
            What its handshake is answered with.
        """
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_accepted_socket(asyncio.Protocol, sock)
        self.adopt(transport, replica, answer)

    def adopt(self, transport: asyncio.Transport, replica: str, answer: bytes) -> asyncio.Future[None]:
        """Take over a connection of this process likewise; returns what is done when it is gone."""
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def lost(connection: Connection, why: str) -> None:
            self._lost(replica, connection, why)
            if not gone.done():
                gone.set_result(None)

        connection = Connection(dialled=False, begin=partial(self._begin, replica), lost=lost)
        transport.set_protocol(connection)
        connection.connection_made(transport)
        transport.write(answer)
        return gone

    async def dial(self, replica: str, make: Callable[[], P]) -> P:
        """Open a stream to a replica.

        Raises
        ------
        OSError
            Where its tunnel is away, and does not come back within ``WAIT_FOR`` seconds.
        """
        while (tunnel := self._tunnels.get(replica)) is None or not tunnel.link.is_connected:
            came = asyncio.get_running_loop().create_future()
            waiting = self._waiting.setdefault(replica, set())
            waiting.add(came)
            try:
                async with asyncio.timeout(WAIT_FOR):
                    await came
            except TimeoutError:
                raise OSError(f"its tunnel has been away for {WAIT_FOR:g} s") from None
            finally:
                waiting.discard(came)
        protocol = make()
        tunnel.streams.open(protocol)
        return protocol

    def end(self, replica: str) -> None:
        """End a replica's tunnel, and what is under way in it: the replica is gone."""
        if (tunnel := self._tunnels.get(replica)) is not None:
            tunnel.end("it has ended")

    def _begin(self, replica: str, connection: Connection, hello: Frame) -> Streams | None:
        session, received = said(hello)
        tunnel = self._tunnels.get(replica)
        if tunnel is None or tunnel.link.session != session:
            if received:
                # It goes on with what this process never knew: another name tells it so.
                connection.send(Link().hello())
                return None
            if tunnel is not None:
                tunnel.end("its node agent began a new one")
            tunnel = self._tunnels[replica] = _Tunnel(session, lambda: self._ended(replica))
        tunnel.join(connection, received)
        for came in self._waiting.pop(replica, ()):
            if not came.done():
                came.set_result(None)
        self._changed(replica, True)
        return tunnel.streams

    def _lost(self, replica: str, connection: Connection, why: str) -> None:
        tunnel = self._tunnels.get(replica)
        if tunnel is not None and tunnel.part(connection, why):
            self._changed(replica, False)

    def _ended(self, replica: str) -> None:
        self._tunnels.pop(replica, None)
        self._changed(replica, False)


class _Tunnel:
    """One session with a node agent, over one connection after another."""

    def __init__(self, session: bytes, ended: Callable[[], None]) -> None:
        self.link = Link(session)
        self.streams = Streams(self.link)
        self._ended = ended
        self._connection: Connection | None = None
        self._last: asyncio.TimerHandle | None = None

    def join(self, connection: Connection, received: int) -> None:
        """Go on over a new connection; the one before it is of no more use."""
        before, self._connection = self._connection, connection
        if before is not None:
            self.link.disconnected()
            before.close("its node agent dialled again")
        if self._last is not None:
            self._last.cancel()
            self._last = None
        connection.send(self.link.hello())
        self.link.connected(connection.send, received)

    def part(self, connection: Connection, why: str) -> bool:
        """Take note that a connection is gone; return whether it was the one in use."""
        if connection is not self._connection:
            return False
        self._connection = None
        self.link.disconnected()
        loop = asyncio.get_running_loop()
        self._last = loop.call_later(RESUME_WITHIN, self.end, f"its tunnel was lost: {why}")
        return True

    def end(self, why: str) -> None:
        """End it, and what was under way in it."""
        if self._last is not None:
            self._last.cancel()
        connection, self._connection = self._connection, None
        self.link.disconnected()
        self._ended()
        self.streams.lost(why)
        if connection is not None:
            connection.close(why)
