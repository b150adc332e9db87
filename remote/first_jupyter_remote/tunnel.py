"""The node's end of a tunnel: dials, and joins each stream to a connection to the inference server."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from functools import partial
from typing import Any, cast

from .protocol.connection import RESUME_WITHIN, Connection, tunnel_key
from .protocol.frames import Frame, ProtocolError
from .protocol.link import Link, said
from .protocol.streams import Streams
from .tunnel_dial import DialError, dial
from .tunnel_meet import meet

__all__ = ["Tunnel"]

PAUSES = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
"""Seconds between two dials, the more fail in a row the longer."""


class Tunnel:
    """Keeps one tunnel open, in a thread of its own, until it is closed.

    Parameters
    ----------
    url
        The door of the Jupyter server for this replica, or a relay.
    key
        The replica's key.
    port
        Where the inference server listens on this machine.
    certificate
        What the Jupyter server shows at a relay (PEM); empty where it is dialled itself.
    """

    def __init__(
        self,
        url: str,
        key: str,
        port: int,
        certificate: str = "",
    ) -> None:
        self._dial = (
            partial(meet, url, certificate, key) if certificate else partial(dial, url, tunnel_key(key))
        )
        self._port = port
        self.trouble = ""
        """What keeps it from being open; empty while it is."""
        self._loop = _new_loop()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="first-tunnel", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it, and every stream in it."""
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(5.0)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._keep_open())

    async def _keep_open(self) -> None:
        keeping = asyncio.create_task(self._dial_on())
        over = asyncio.create_task(self._over.wait())
        await asyncio.wait([keeping, over], return_when=asyncio.FIRST_COMPLETED)
        keeping.cancel()
        over.cancel()
        await asyncio.gather(keeping, over, return_exceptions=True)

    async def _dial_on(self) -> None:
        session, failed, lost = _Session(self._port), 0, 0.0
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    connection = await self._dial(session.connection)
                    connection.send(session.link.hello())
                    await session.joined()
                    failed = 0
                    self.trouble = ""
                    self.trouble = await session.parted()
                    lost = loop.time()
                except DialError as error:
                    self.trouble = str(error)
                    failed = 0 if error.waited else failed
                if session.is_foreign or (len(session.streams) and loop.time() - lost > RESUME_WITHIN):
                    session.end("the tunnel was lost")
                    session = _Session(self._port)
                await asyncio.sleep(PAUSES[min(failed, len(PAUSES) - 1)])
                failed += 1
        finally:
            session.end("the node agent closed the tunnel")


def _new_loop() -> asyncio.AbstractEventLoop:
    """Return a loop; an environment of vLLM has one that is twice as quick."""
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


class _Session:
    """One session, and the connection that it is over now."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.link = Link()
        self.streams = Streams(self.link, lambda: _Cable(port))
        self.is_foreign = False
        self._connection: Connection | None = None
        self._joined: asyncio.Future[str]
        self._parted: asyncio.Future[str]

    def connection(self) -> Connection:
        """Make what takes the next connection."""
        loop = asyncio.get_running_loop()
        self._joined, self._parted = loop.create_future(), loop.create_future()
        self._connection = Connection(dialled=True, begin=self._begin, lost=self._lost)
        return self._connection

    async def joined(self) -> None:
        """Wait until the other side goes on with the session.

        Raises
        ------
        DialError
            Where it hangs up instead, or has forgotten the session.
        """
        if why := await self._joined:
            raise DialError(why)

    async def parted(self) -> str:
        """Wait until the connection is gone; return why."""
        return await self._parted

    def end(self, reason: str) -> None:
        """End the streams on both sides, and hang up."""
        self.streams.abort(reason)
        if self._connection is not None and self.link.is_connected:
            self._connection.finish()

    def _begin(self, connection: Connection, hello: Frame) -> Streams:
        session, received = said(hello)
        if session != self.link.session:
            # A server that was started anew knows nothing of what was under way.
            self.is_foreign = True
            raise ProtocolError("the Jupyter server does not know this tunnel any more")
        self.link.connected(connection.send, received)
        self._joined.set_result("")
        return self.streams

    def _lost(self, _: Connection, why: str) -> None:
        self.link.disconnected()
        if not self._joined.done():
            self._joined.set_result(why)
        if not self._parted.done():
            self._parted.set_result(why)


class _Cable(asyncio.Protocol):
    """Joins one stream to a connection of its own to the inference server."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stream: asyncio.Transport
        self._plug: _Plug | None = None
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connect."""
        self._stream = cast("asyncio.Transport", transport)
        self._dialing = asyncio.get_running_loop().create_task(self._dial())

    async def _dial(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, plug = await loop.create_connection(lambda: _Plug(self._stream), "127.0.0.1", self._port)
        except OSError as error:
            cast("Any", self._stream).abort(f"the inference server takes no connection: {error.strerror}")
            return
        self._plug = plug
        for data in self._early:
            plug.transport.write(data)
        self._early.clear()

    def data_received(self, data: bytes) -> None:
        """Pass bytes on to the server."""
        if self._plug is None:
            self._early.append(data)
        else:
            self._plug.transport.write(data)

    def pause_writing(self) -> None:
        """Take nothing more from the server until there is room in the stream."""
        if self._plug is not None:
            self._plug.transport.pause_reading()

    def resume_writing(self) -> None:
        """Take more."""
        if self._plug is not None:
            self._plug.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Hang up: nobody wants the answer any more."""
        self._dialing.cancel()
        if self._plug is not None:
            self._plug.transport.abort()


class _Plug(asyncio.Protocol):
    """The connection to the inference server."""

    def __init__(self, stream: asyncio.Transport) -> None:
        self._stream = stream
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Pass bytes on to the stream."""
        self._stream.write(data)

    def pause_writing(self) -> None:
        """Take nothing more from the stream until the server has taken what it got."""
        self._stream.pause_reading()

    def resume_writing(self) -> None:
        """Take more."""
        self._stream.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the stream like its server ended the connection."""
        if exc is None:
            self._stream.close()
        else:
            cast("Any", self._stream).abort(f"the inference server's connection broke: {exc}")
