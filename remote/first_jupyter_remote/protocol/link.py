"""A session of numbered frames that outlives its connections: nothing is lost between two, or comes twice."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable

from .frames import COUNT, Frame, Kind, ProtocolError, pack

__all__ = ["Link", "said"]

SESSION = 16
"""Bytes that name a session."""

ACK_EVERY = 64
ACK_BYTES = 128 * 1024
"""Frames, and bytes of them, that come until the other side is told."""


class Link:
    """One side of a session.

    Parameters
    ----------
    session
        Its name; a new one where none is given.

    Notes
    -----
    The side that dials names the session. Each side begins a connection with how many numbered frames have
    come to it, and the other sends again what is missing. Frames are kept until they are counted; what limits
    them is the windows of the streams that they belong to.
    """

    def __init__(self, session: bytes | None = None) -> None:
        self.session = session or secrets.token_bytes(SESSION)
        self._kept: deque[bytes] = deque()
        self._counted = 0
        self._received, self._told = 0, 0
        self._bytes = 0
        self._wire: Callable[[bytes], None] | None = None

    @property
    def is_connected(self) -> bool:
        """Whether frames go out at once."""
        return self._wire is not None

    def hello(self) -> bytes:
        """Return what a connection begins with."""
        return pack(Kind.HELLO, body=self.session + COUNT.pack(self._received))

    def connected(self, wire: Callable[[bytes], None], received: int) -> None:
        """Go on over a connection whose other side has this many frames.

        Parameters
        ----------
        wire
            Sends a message.
        received
            What the other side's ``HELLO`` counts.

        Raises
        ------
        ProtocolError
            Where frames are missing that are not kept any more: it is another session.
        """
        self._forget(received)
        self._told, self._bytes = self._received, 0
        self._wire = wire
        for message in self._kept:
            wire(message)

    def disconnected(self) -> None:
        """Keep what is sent from now on for the next connection."""
        self._wire = None

    def send(self, kind: Kind, stream: int, body: bytes = b"") -> None:
        """Send a numbered frame."""
        message = pack(kind, stream, body)
        self._kept.append(message)
        if self._wire is not None:
            self._wire(message)

    def take(self, frame: Frame) -> bool:
        """Count a frame that has come; return whether it is one to act on."""
        if frame.kind >= Kind.OPEN:
            self._received += 1
            self._bytes += len(frame.body)
            if self._received - self._told >= ACK_EVERY or self._bytes >= ACK_BYTES:
                self._acknowledge()
            return True
        if frame.kind is Kind.ACK:
            self._forget(frame.number)
        elif frame.kind is Kind.PING:
            self._acknowledge()
        return False

    def _acknowledge(self) -> None:
        self._told, self._bytes = self._received, 0
        if self._wire is not None:
            self._wire(pack(Kind.ACK, body=COUNT.pack(self._received)))

    def _forget(self, counted: int) -> None:
        """Forget the frames that the other side has."""
        if not self._counted <= counted <= self._counted + len(self._kept):
            sent = self._counted + len(self._kept)
            raise ProtocolError(f"{counted} frames are said to have come, of {self._counted} to {sent}")
        for _ in range(counted - self._counted):
            self._kept.popleft()
        self._counted = counted


def said(hello: Frame) -> tuple[bytes, int]:
    """Return the session that a ``HELLO`` names, and how many frames of it have come to the other side.

    Raises
    ------
    ProtocolError
        Where it is no ``HELLO``.
    """
    if hello.kind is not Kind.HELLO or len(hello.body) != SESSION + COUNT.size:
        raise ProtocolError(f"a connection begins with a frame {hello.kind.name}")
    return hello.body[:SESSION], int(COUNT.unpack(hello.body[SESSION:])[0])
