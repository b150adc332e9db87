"""What the data plane knows of an answer's content: whether it ended well, and what it cost."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import orjson

__all__ = ["Tail", "Usage"]

KEPT = 2_048
"""Bytes of an answer's end that are kept; the usage and the end mark stand there."""

_USAGE = re.compile(rb'"usage"\s*:\s*(?=\{)')


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens read and written; None where the answer does not say."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Tail:
    """The last bytes of an answer, and how many events it had: all that is looked at, once it has ended."""

    __slots__ = ("_events", "_pieces", "_size")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._events = 0

    def add(self, data: bytes) -> None:
        """Take the next piece of the answer."""
        self._events += data.count(b"\n\n")
        self._pieces.append(data)
        self._size += len(data)
        if self._size > 2 * KEPT:
            self._bytes()

    def _bytes(self) -> bytes:
        """Return the bytes that are kept, joined."""
        kept = b"".join(self._pieces)[-KEPT:]
        self._pieces = [kept]
        self._size = len(kept)
        return kept

    @property
    def at_event_boundary(self) -> bool:
        """Whether a new server-sent event can begin here (HTML standard, section 9.2.5)."""
        kept = self._bytes()
        return not kept or kept.endswith((b"\n\n", b"\r\n\r\n", b"\r\r"))

    @property
    def is_done(self) -> bool:
        """Whether a streamed chat or text completion has come to its end mark."""
        return self._bytes().rstrip().endswith(b"data: [DONE]")

    def usage(self) -> Usage:
        """Return the last usage that the answer states, in either API's words.

        A stream states it only where the client asked for it (``stream_options``). Elsewhere the tokens
        written are counted: one an event, but for the first, which names the role, and the last two, the
        reason and the end mark.
        """
        kept = self._bytes()
        at = kept.rfind(b'"usage"')
        while at >= 0:
            if (start := _USAGE.match(kept, at)) is not None:
                stated = _object_at(kept, start.end())
                prompt = stated.get("prompt_tokens", stated.get("input_tokens"))
                return Usage(prompt, stated.get("completion_tokens", stated.get("output_tokens")))
            at = kept.rfind(b'"usage"', 0, at)
        return Usage(None, max(0, self._events - 3) if self.is_done else None)


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
