"""What the data plane knows of an answer's content: whether it ended well, what it cost, and what it was."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import Any

import orjson

__all__ = ["Passed", "Usage", "tokens"]

KEPT = 2_048
"""Bytes of an answer's end that are kept; the usage and the end mark stand there."""

PACK_AT = 8_192
"""Bytes that pile up before they are packed."""

MAX_PACKED = 2**20
"""Bytes of packs that are kept of an answer; a longer one cannot go on elsewhere."""

MAX_SEEN = 2**25
"""Bytes of an answer that are kept in packs, whatever their size."""

WINDOW, MEMORY = 13, 5
"""What is enough for so little; the usual tables are filled anew for each pack, and drive
all else from the cache."""

MOST_TOKENS = 2**53
"""What no answer can have had; more than that is no number in JSON everywhere."""

_USAGE = re.compile(rb'"usage"\s*:\s*(?=\{)')


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens read and written; None where the answer does not say."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Passed:
    """What a client has been sent: the end of it as it is, and all of it packed where that is asked for.

    The way of nearly every token is an append. All else waits until the answer has ended, or has broken off.
    """

    __slots__ = ("_last", "_lines", "_packed", "_packs", "_pieces", "_seen", "_size")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._last = b""
        """The end of what came before the pieces."""
        self._lines = 0
        self._packs: list[bytes] | None = None
        self._packed = self._seen = 0

    def keep(self) -> None:
        """Keep all of it, for who may have to go on with it."""
        self._packs = []

    def add(self, data: bytes) -> None:
        """Take the next piece of the answer."""
        self._pieces.append(data)
        self._size += len(data)
        if self._size > PACK_AT:
            self._pack()

    def unread(self) -> bytes | None:
        """Return all that came since this was asked last; None where the answer is too long to be kept."""
        self._pack()
        if self._packs is None:
            return None
        packs, self._packs = self._packs, []
        return b"".join(map(zlib.decompress, packs))

    def _pack(self) -> None:
        """Make little of what has piled up: events are alike, and take a tenth of their room."""
        if not self._pieces:
            return
        piled = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        self._lines += piled.count(b"\n")
        self._last = (self._last + piled)[-KEPT:]
        if self._packs is not None:
            packer = zlib.compressobj(1, wbits=WINDOW, memLevel=MEMORY)
            pack = packer.compress(piled) + packer.flush()
            self._packs.append(pack)
            self._packed += len(pack)
            self._seen += len(piled)
            if self._packed > MAX_PACKED or self._seen > MAX_SEEN:
                self._packs = None

    def _end(self) -> bytes:
        """Return the last bytes."""
        if len(self._pieces) == 1 and not self._last:
            return self._pieces[0][-KEPT:]
        return b"".join([self._last, *self._pieces])[-KEPT:]

    @property
    def at_event_boundary(self) -> bool:
        """Whether a new server-sent event can begin here (HTML standard, section 9.2.5)."""
        kept = self._end()
        return not kept or kept.endswith((b"\n\n", b"\r\n\r\n", b"\r\r"))

    @property
    def is_done(self) -> bool:
        """Whether a streamed chat or text completion has come to its end mark."""
        return self._end().rstrip().endswith(b"data: [DONE]")

    def usage(self) -> Usage:
        """Return the last usage that the answer states, in either API's words.

        A stream states it only where the client asked for it (``stream_options``). Elsewhere the tokens
        written are counted: one an event, but for the first, which names the role, and the last two, the
        reason and the end mark.
        """
        kept = self._end()
        at = kept.rfind(b'"usage"')
        while at >= 0:
            if (start := _USAGE.match(kept, at)) is not None:
                stated = _object_at(kept, start.end())
                prompt = stated.get("prompt_tokens", stated.get("input_tokens"))
                written = stated.get("completion_tokens", stated.get("output_tokens"))
                return Usage(tokens(prompt), tokens(written))
            at = kept.rfind(b'"usage"', 0, at)
        # Each event of such a stream is one line, and an empty one after it.
        events = (self._lines + sum(piece.count(b"\n") for piece in self._pieces)) // 2
        return Usage(None, max(0, events - 3) if self.is_done else None)


def tokens(stated: Any) -> int | None:
    """Return a number of tokens as a server states it; None where it is none, whatever it is."""
    return stated if type(stated) is int and 0 <= stated < MOST_TOKENS else None


def _object_at(data: bytes, start: int) -> dict[str, Any]:
    """Return the JSON object that starts here; an empty one where it is not whole."""
    end = start
    while (end := data.find(b"}", end) + 1) > 0:
        try:
            found: dict[str, Any] = orjson.loads(data[start:end])
        except orjson.JSONDecodeError:
            continue
        return found
    return {}
