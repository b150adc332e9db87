"""The frames of a tunnel; each binary message of its WebSocket holds one or more."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import NamedTuple

__all__ = ["COUNT", "Frame", "Kind", "ProtocolError", "pack", "unpack"]

COUNT = struct.Struct("!Q")
_HEAD = struct.Struct("!BII")


class ProtocolError(Exception):
    """The other side does not keep to the protocol."""


class Kind(IntEnum):
    """What a frame is.

    From ``OPEN`` on frames are numbered by the order in which they are sent; those are sent again after a
    connection is lost, until the other side has counted them.
    """

    HELLO = 0
    """First on each connection: the session (16 bytes), and how many numbered frames came (``COUNT``)."""
    ACK = 1
    """How many numbered frames have come (``COUNT``)."""
    PING = 2
    """Answered with ``ACK``."""
    OPEN = 3
    """A new stream."""
    DATA = 4
    """Bytes of a stream."""
    END = 5
    """The end of a stream, and how many bytes it had (``COUNT``)."""
    RESET = 6
    """A stream is given up, with the reason in words."""
    WINDOW = 7
    """So many bytes of a stream were taken, and as many more may be sent (``COUNT``)."""


_KINDS = tuple(Kind)


class Frame(NamedTuple):
    """One frame."""

    kind: Kind
    stream: int
    body: bytes

    @property
    def number(self) -> int:
        """The number that is its body."""
        if len(self.body) != COUNT.size:
            raise ProtocolError(f"a frame {self.kind.name} with a body of {len(self.body)} bytes")
        return int(COUNT.unpack(self.body)[0])


def pack(kind: Kind, stream: int = 0, body: bytes = b"") -> bytes:
    """Return a frame as it stands in a message."""
    return _HEAD.pack(kind, stream, len(body)) + body


def unpack(message: bytes) -> list[Frame]:
    """Return the frames that a message holds.

    Raises
    ------
    ProtocolError
        Where it holds something else.
    """
    frames, at, end = [], 0, len(message)
    try:
        while at < end:
            kind, stream, size = _HEAD.unpack_from(message, at)
            at += _HEAD.size
            frames.append(Frame(_KINDS[kind], stream, message[at : at + size]))
            at += size
    except (struct.error, IndexError):
        at = -1
    if at != end or not frames:
        raise ProtocolError(f"a message that holds no frames: {message[:16]!r}")
    return frames
