"""One connection of a tunnel: its messages, its signs of life, and the session that goes over it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from typing import cast

from .frames import Frame, Kind, ProtocolError, pack, unpack
from .streams import Streams
from .websocket import CLOSE, PING, PONG, Decoder, accept, encode

__all__ = ["LOST_AFTER", "PING_EVERY", "RESUME_WITHIN", "SUBPROTOCOL", "Connection", "tunnel_key", "welcome"]

SUBPROTOCOL = "first-tunnel.v1"

PING_EVERY = 5.0
"""Seconds between two signs of life, so that no proxy on the way takes the connection for an idle one."""

LOST_AFTER = 13.0
"""Seconds without any sign of life from the other side after which a connection counts as lost."""

TOGETHER = 64 * 1024
"""Bytes of frames up to which they go in one message."""

RESUME_WITHIN = 45.0
"""Seconds that a session outlives its connection."""


def tunnel_key(key: str) -> str:
    """Return what a node agent shows to the Jupyter server, derived from its replica's own key.

    Both sides know that one, the server through Globus Compute; it serves this replica alone, as long as it
    lives.
    """
    return hmac.new(key.encode(), b"first-jupyter tunnel", hashlib.sha256).hexdigest()


def welcome(nonce: str) -> bytes:
    """Return what the handshake of a tunnel is answered with, where it said this ``Sec-WebSocket-Key``."""
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept(nonce)}\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
    ).encode()


MOST_UNREAD = 2**25
"""Bytes that may wait for the other side when it asks for more; what streams send has limits of its own."""


class Connection(asyncio.Protocol):
    """One connection, once it is a WebSocket.

    Parameters
    ----------
    dialled
        Whether this side dialled.
    begin
        Takes this connection and the first frame, the other side's ``HELLO``; returns whose the others are,
        None where nobody wants them.
    lost
        Called with this connection when it is gone, and with the reason in words.
    """

    def __init__(
        self,
        *,
        dialled: bool,
        begin: Callable[[Connection, Frame], Streams | None],
        lost: Callable[[Connection, str], None],
    ) -> None:
        self._masks = dialled
        self._begin, self._lost = begin, lost
        self._streams: Streams | None = None
        self._has_begun = False
        self._decoder = Decoder(masked=not dialled)
        self._why = ""
        self._heard = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._out: list[bytes] = []
        self._transport: asyncio.Transport
        self._loop: asyncio.AbstractEventLoop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to give signs of life."""
        self._transport = cast("asyncio.Transport", transport)
        # What waits is limited by the streams' windows.
        self._transport.set_write_buffer_limits(high=2**30)
        self._loop = asyncio.get_running_loop()
        self._heard = self._loop.time()
        self._timer = self._loop.call_later(PING_EVERY, self._ping)

    def send(self, message: bytes) -> None:
        """Send a frame, in one message with all others of this moment."""
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(message)

    def finish(self) -> None:
        """Hang up once all that was sent is on its way."""
        self._flush()
        self._transport.close()

    def close(self, why: str) -> None:
        """Hang up at once."""
        self._why = self._why or why
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Hand each frame over."""
        self._heard = self._loop.time()
        try:
            for opcode, body in self._decoder.feed(data):
                if self._transport.is_closing():
                    return
                self._take(opcode, body)
            if self._streams is not None:
                self._streams.settle()
        except ProtocolError as error:
            self.close(str(error))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell that it is gone."""
        if self._timer is not None:
            self._timer.cancel()
        self._out.clear()
        self._lost(self, self._why or (str(exc) if exc else "the other side hung up"))

    def _take(self, opcode: int, body: bytes) -> None:
        if opcode == PING:
            if self._transport.get_write_buffer_size() > MOST_UNREAD:
                raise ProtocolError("it asks for signs of life, and reads none")
            self._transport.write(encode(body, masked=self._masks, opcode=PONG))
        elif opcode == CLOSE:
            self.close("the other side closed it")
        elif opcode != PONG:
            for frame in unpack(body):
                if not self._has_begun:
                    self._has_begun = True
                    self._streams = self._begin(self, frame)
                elif self._streams is not None:
                    self._streams.arrived(frame)

    def _flush(self) -> None:
        out, self._out = self._out, []
        if self._transport.is_closing():
            return
        together: list[bytes] = []
        size = 0
        for frame in out:
            if size + len(frame) > TOGETHER and together:
                self._transport.write(encode(b"".join(together), masked=self._masks))
                together, size = [], 0
            together.append(frame)
            size += len(frame)
        if together:
            self._transport.write(encode(b"".join(together), masked=self._masks))

    def _ping(self) -> None:
        if self._loop.time() - self._heard > LOST_AFTER:
            self.close(f"no sign of life for {LOST_AFTER:g} s")
            return
        self.send(pack(Kind.PING))
        self._timer = self._loop.call_later(PING_EVERY, self._ping)
