"""Heads that were read and admitted before: the next request with the same one is not parsed again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .request import Request

__all__ = ["KnownHeads"]

MOST = 256
"""Heads that are remembered."""

LARGEST = 4_096
"""Bytes of a head that is remembered."""

_LENGTH = re.compile(rb"\r\ncontent-length: ?([0-9]{1,10})\r\n", re.IGNORECASE)

Split = tuple[bytes, bytes, bytes]
"""What stands before and after the body's length in the head, and the body."""


class KnownHeads:
    """What the parser made of heads, by their very bytes; only the body's length may be another.

    A read that is one whole request, no byte more or less, is compared with them. All that the parser and the
    surface would look at is in those bytes, so they would find the same again. The key is among them: the
    comparison is a look-up by a hash that is salted anew for each process, which tells nothing of how much of
    a wrong key is right.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, bytes], Request] = {}

    def find(self, data: bytes) -> Request | None:
        """Return the request that a read is, if its head is known."""
        if not self._known or (split := _split(data)) is None:
            return None
        before, after, body = split
        known = self._known.get((before, after))
        return None if known is None else known.again(body)

    def learn(self, data: bytes, request: Request) -> None:
        """Remember what a read was."""
        if (split := _split(data)) is None or b"expect" in request.headers or split[2] != request.body:
            return
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[split[:2]] = request.again(b"")

    def clear(self) -> None:
        """Forget all: what was made of them no longer holds."""
        self._known.clear()


def _split(data: bytes) -> Split | None:
    """Return a read's parts; None unless it is one whole request with a body of a stated length."""
    end = data.find(b"\r\n\r\n", 0, LARGEST) + 4
    if end < 4:
        return None
    length = _LENGTH.search(data, 0, end)
    if length is None or int(length[1]) != len(data) - end:
        return None
    return data[: length.start(1)], data[length.end(1) : end], data[end:]
