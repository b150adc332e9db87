"""The frames of a tunnel, each of them one binary message of its WebSocket."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

__all__ = ["COUNT", "Frame", "Kind", "ProtocolError", "pack", "unpack"]

COUNT = struct.Struct("!Q")
_HEAD = struct.Struct("!BI")


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

    @property
    def is_numbered(self) -> bool:
        """Whether it is counted and sent again."""
        return self >= Kind.OPEN


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame."""

    kind: Kind
    stream: int
    body: bytes

    @property
    def count(self) -> int:
        """The number that is its body."""
        if len(self.body) != COUNT.size:
            raise ProtocolError(f"a frame {self.kind.name} with a body of {len(self.body)} bytes")
        return int(COUNT.unpack(self.body)[0])


def pack(kind: Kind, stream: int = 0, body: bytes = b"") -> bytes:
    """Return a frame as a message."""
    return _HEAD.pack(kind, stream) + body


def unpack(message: bytes) -> Frame:
    """Return the frame that a message is.

    Raises
    ------
    ProtocolError
        Where it is none.
    """
    try:
        kind, stream = _HEAD.unpack_from(message)
        return Frame(Kind(kind), stream, message[_HEAD.size :])
    except (struct.error, ValueError):
        raise ProtocolError(f"a message that is no frame: {message[:8]!r}") from None
