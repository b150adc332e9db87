"""What a streamed answer says, read from its events, so that another replica can go on from there."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import orjson

__all__ = ["TOO_LONG", "SoFar", "Transcript"]

MAX_TEXT = 524_288
"""Characters of an answer that are kept; a longer one cannot go on elsewhere."""

TOO_LONG = f"more than {MAX_TEXT:,} characters"

RECENT = 64
"""Pieces of text whose lengths are remembered one by one."""

_FRAME = ("id", "object", "created", "model")


@dataclass(frozen=True, slots=True)
class SoFar:
    """An answer as far as its client has seen it.

    Parameters
    ----------
    frame
        What all its events have in common: ``id``, ``object``, ``created``, ``model``.
    begun
        Whether the role of the writer has been said.
    text
        What the model has written.
    tokens
        How many tokens that took: as stated, else one for each event.
    sizes
        The lengths of the last pieces of the text, one an event.
    finish
        Why the model stopped, once it has said so.
    more
        What the answer holds that no other replica can go on with, in words; empty if it is text alone.
    """

    frame: dict[str, Any] = field(default_factory=dict)
    begun: bool = False
    text: str = ""
    tokens: int = 0
    sizes: tuple[int, ...] = ()
    finish: str | None = None
    more: str = ""


class Transcript:
    """Reads a streamed answer, whole events alone.

    Parameters
    ----------
    chat
        Whether it is a chat completion, not a text completion.
    """

    __slots__ = (
        *("_begun", "_chat", "_finish", "_frame", "_more", "_mould", "_sizes", "_stated", "_texts"),
        *("_tokens", "_written"),
    )

    def __init__(self, *, chat: bool) -> None:
        self._chat = chat
        self._frame: dict[str, Any] = {}
        self._begun = False
        self._texts: list[str] = []
        self._written = 0
        self._tokens = 0
        self._stated: int | None = None
        self._sizes: deque[int] = deque(maxlen=RECENT)
        self._finish: str | None = None
        self._more = ""
        self._mould = (b"", b"")

    def so_far(self) -> SoFar:
        """Return the answer so far."""
        text = "".join(self._texts)
        self._texts = [text]
        tokens = self._tokens if self._stated is None else self._stated
        return SoFar(self._frame, self._begun, text, tokens, tuple(self._sizes), self._finish, self._more)

    def fail(self, more: str) -> None:
        """Take note that the answer cannot be gone on with: it holds this, in words."""
        self._more = more
        self._texts.clear()

    def read(self, raw: bytes) -> None:
        """Read the next events."""
        if self._more:
            return
        alike: list[bytes] = []
        for line in raw.split(b"\n"):
            before, after = self._mould
            if before and line.startswith(before) and line.endswith(after):
                alike.append(line[len(before) : -len(after)])
            elif line.startswith(b"data:") and (payload := line[5:].strip()) != b"[DONE]":
                self._add_alike(alike)
                self._add(line, payload)
        self._add_alike(alike)
        if self._written > MAX_TEXT:
            self.fail(TOO_LONG)

    def _add_alike(self, alike: list[bytes]) -> None:
        """Add events that differ in their text alone: many times quicker than one after the other."""
        if not alike:
            return
        try:
            texts = orjson.loads(b'["' + b'","'.join(alike) + b'"]')
        except orjson.JSONDecodeError:
            texts = []
        if len(texts) == len(alike):
            self._texts += texts
            self._sizes += map(len, texts)
            self._tokens += len(texts)
            self._written += sum(map(len, texts))
        else:
            # One of them holds more keys than the others.
            before, after = self._mould
            for text in alike:
                line = before + text + after
                self._add(line, line[5:])
        alike.clear()

    def _add(self, line: bytes, payload: bytes) -> None:
        """Add one event, and learn from it what others like it look like."""
        try:
            event = orjson.loads(payload)
            count = len(self._texts)
            self._add_event(event)
        except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
            self._more = "events of an unknown form"
        else:
            if len(self._texts) > count and "usage" not in event:
                self._mould = _around(line, self._texts[-1])

    def _add_event(self, event: dict[str, Any]) -> None:
        if not self._frame:
            self._frame = {key: event[key] for key in _FRAME if key in event}
        for choice in event["choices"] or ():
            self._add_choice(choice)
        stated = (event.get("usage") or {}).get("completion_tokens")
        if isinstance(stated, int):
            self._stated = stated

    def _add_choice(self, choice: dict[str, Any]) -> None:
        if choice.get("index"):
            self._more = "several choices"
        delta = (choice.get("delta") or {}) if self._chat else choice
        text = delta.get("content" if self._chat else "text")
        self._finish = choice.get("finish_reason") or self._finish
        if self._chat:
            self._begun = self._begun or "role" in delta
            self._more = self._more or _besides_text(delta)
        # The event with the role has no token of its own, and the one with the reason may have none.
        if isinstance(text, str) and (text or not ("role" in delta or self._finish)):
            self._texts.append(text)
            self._written += len(text)
            self._tokens += 1
            self._sizes.append(len(text))


def _around(line: bytes, text: str) -> tuple[bytes, bytes]:
    """Return what stands before and after the text of an event; nothing where that is not plain to see."""
    quoted = orjson.dumps(text)
    if not text or line.count(quoted) != 1:
        return b"", b""
    before, after = line.split(quoted)
    return before + b'"', b'"' + after


def _besides_text(delta: dict[str, Any]) -> str:
    """Name what a delta holds beside text that no replica can be given to go on with."""
    if delta.get("tool_calls") or delta.get("function_call"):
        return "a call of a tool"
    if delta.get("reasoning_content") or delta.get("reasoning"):
        return "the model's reasoning"
    other = [key for key, value in delta.items() if value and key not in ("role", "content")]
    return f"{other[0]!r}" if other else ""
