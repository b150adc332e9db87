"""How a read begins that is one whole chunk of a body, so that no parser need see it; pure."""

from __future__ import annotations

__all__ = ["OPENINGS"]


def _opening(length: int) -> bytes:
    """Return what so many bytes begin with if they are one chunk, and not the last; else what none does."""
    for digits in range(1, 8):
        size = length - digits - 4
        opening = b"%x\r\n" % size
        if size > 0 and len(opening) == digits + 2:
            return opening
    return b"\r\n"


OPENINGS = [_opening(length) for length in range(4_096)]
"""By the length of a read: how it begins if it is one chunk as servers write them (RFC 9112, section 7.1)."""
