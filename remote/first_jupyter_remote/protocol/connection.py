"""One connection of a tunnel: its messages, its signs of life, and the session that goes over it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from typing import cast

from .frames import Frame, Kind, ProtocolError, pack, unpack
from .websocket import CLOSE, PING, PONG, Decoder, encode

__all__ = ["LOST_AFTER", "PING_EVERY", "RESUME_WITHIN", "SUBPROTOCOL", "Connection", "tunnel_key"]

SUBPROTOCOL = "first-tunnel.v1"

PING_EVERY = 5.0
"""Seconds between two signs of life, so that no proxy on the way takes the connection for an idle one."""

LOST_AFTER = 13.0
"""Seconds without any sign of life from the other side after which a connection counts as lost."""

RESUME_WITHIN = 45.0
"""Seconds that a session outlives its connection."""


def tunnel_key(key: str) -> str:
    """Return what a node agent shows to the Jupyter server, derived from its replica's own key.

    Both sides know that one, the server through Globus Compute; it serves this replica alone, as long as it
    lives.
    """
    return hmac.new(key.encode(), b"first-jupyter tunnel", hashlib.sha256).hexdigest()


class Connection(asyncio.Protocol):
    """One connection, once it is a WebSocket.

    Parameters
    ----------
    dialled
        Whether this side dialled.
    begin
        Takes this connection and the first frame, the other side's ``HELLO``; returns what takes the others.
    lost
        Called with this connection when it is gone, and with the reason in words.
    """

    def __init__(
        self,
        *,
        dialled: bool,
        begin: Callable[[Connection, Frame], Callable[[Frame], None]],
        lost: Callable[[Connection, str], None],
    ) -> None:
        self._masks = dialled
        self._begin, self._lost = begin, lost
        self._arrived: Callable[[Frame], None] | None = None
        self._decoder = Decoder(masked=not dialled)
        self._why = ""
        self._heard = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._out: list[bytes] = []
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to give signs of life."""
        self._transport = cast("asyncio.Transport", transport)
        # What waits is limited by the streams' windows.
        self._transport.set_write_buffer_limits(high=2**30)
        self._heard = asyncio.get_running_loop().time()
        self._timer = asyncio.get_running_loop().call_later(PING_EVERY, self._ping)

    def send(self, message: bytes) -> None:
        """Send a message, together with all others of this moment."""
        if not self._out:
            asyncio.get_running_loop().call_soon(self._flush)
        self._out.append(encode(message, masked=self._masks))

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
        self._heard = asyncio.get_running_loop().time()
        try:
            for opcode, body in self._decoder.feed(data):
                if self._transport.is_closing():
                    return
                self._take(opcode, body)
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
            self._transport.write(encode(body, masked=self._masks, opcode=PONG))
        elif opcode == CLOSE:
            self.close("the other side closed it")
        elif opcode != PONG:
            frame = unpack(body)
            if self._arrived is None:
                self._arrived = self._begin(self, frame)
            else:
                self._arrived(frame)

    def _flush(self) -> None:
        if self._out and not self._transport.is_closing():
            self._transport.write(b"".join(self._out))
        self._out.clear()

    def _ping(self) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() - self._heard > LOST_AFTER:
            self.close(f"no sign of life for {LOST_AFTER:g} s")
            return
        self.send(pack(Kind.PING))
        self._timer = loop.call_later(PING_EVERY, self._ping)
