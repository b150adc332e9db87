"""What a client has been sent of a streamed answer, so that another replica can go on from there."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import orjson

__all__ = ["MAX_EVENT", "SoFar", "Transcript"]

READ_AT = 8_192
"""Bytes of events that pile up before they are read; the way of nearly every token is an append."""

MAX_TEXT = 524_288
"""Characters of an answer that are kept; a longer one cannot go on elsewhere."""

MAX_EVENT = 1_048_576
"""Bytes of an event that are held until it is whole."""

RECENT = 64
"""Pieces of text whose lengths are remembered one by one."""

_FRAME = ("id", "object", "created", "model")
_SUSPICIOUS = (b'"error"', b'"abort"')
"""What an event holds with which a server gives an answer up; quotes within a text are escaped."""


_DONE = b"data: [DONE]\n\n"


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
    """Keeps a streamed answer as it goes by, whole events alone.

    Parameters
    ----------
    chat
        Whether it is a chat completion, not a text completion.
    cuts
        Whether its server may end it before it is whole: then only an end whose reason was said is one.
    """

    __slots__ = (
        *("_begun", "_chat", "_finish", "_frame", "_half", "_more", "_mould", "_pieces", "_size"),
        *("_sizes", "_stated", "_texts", "_tokens", "_written", "broken", "cuts"),
    )

    def __init__(self, *, chat: bool, cuts: bool = False) -> None:
        self._chat, self.cuts = chat, cuts
        self._pieces: list[bytes] = []
        self._size = 0
        self._half = b""
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
        self.broken = ""
        """Why the server has given the answer up in an event of its own; empty while it has not."""

    def take(self, data: bytes) -> bytes:
        """Take a piece of the answer; returns what of it the client may get now.

        Half an event is held until it is whole, and an event with which the server gives up is kept from the
        client: both would spoil the stream that another replica is to go on with.
        """
        if self._half or not data.endswith(b"\n\n"):
            data = self._whole(data)
        if _SUSPICIOUS[0] in data or _SUSPICIOUS[1] in data:
            data = self._before_giving_up(data)
        if self.cuts and data.endswith(_DONE):
            return self._up_to_the_end(data)
        self._pieces.append(data)
        self._size += len(data)
        if self._size > READ_AT:
            self._read()
        return data

    def rest(self) -> bytes:
        """Return what is still held when the answer has ended: an event whose end is missing."""
        rest, self._half = self._half, b""
        return rest

    def read(self) -> SoFar:
        """Return the answer so far."""
        self._read()
        text = "".join(self._texts)
        self._texts = [text]
        tokens = self._tokens if self._stated is None else self._stated
        return SoFar(self._frame, self._begun, text, tokens, tuple(self._sizes), self._finish, self._more)

    def _whole(self, data: bytes) -> bytes:
        """Return the whole events there are, and hold the rest."""
        data = self._half + data
        end = max(data.rfind(b"\n\n") + 2 if b"\n\n" in data else 0, _after(data, b"\r\n\r\n"))
        whole, self._half = data[:end], data[end:]
        if len(self._half) > MAX_EVENT:
            self._more = f"an event of more than {MAX_EVENT // 2**20} MB"
            whole, self._half = data, b""
        return whole

    def _before_giving_up(self, data: bytes) -> bytes:
        """Return the events before the one with which the server gives up, if there is one."""
        at = 0
        for line in data.splitlines(keepends=True):
            reason = _giving_up(line)
            if reason:
                self.broken = reason
                return data[:at]
            at += len(line)
        return data

    def _up_to_the_end(self, data: bytes) -> bytes:
        """Return the last events, without the end mark where nothing said why the answer ends there."""
        rest = data[: -len(_DONE)]
        self._pieces.append(rest)
        self._read()
        if self._more or self._finish is not None:
            return data
        self.broken = "it ended the answer without saying why"
        return rest

    def _read(self) -> None:
        raw = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
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
            self._more = f"more than {MAX_TEXT:,} characters"
            self._texts.clear()

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


def _after(data: bytes, mark: bytes) -> int:
    at = data.rfind(mark)
    return at + len(mark) if at >= 0 else 0


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


def _giving_up(line: bytes) -> str:
    """Return why the server gives up with this line; empty where it does not."""
    if not line.startswith(b"data:"):
        return ""
    try:
        event = orjson.loads(line[5:])
    except orjson.JSONDecodeError:
        return ""
    if not isinstance(event, dict):
        return ""
    # FIRST's gateways and older vLLMs have no mapping of its own for it.
    error = event if event.get("object") == "error" else event.get("error")
    if error is not None:
        stated = error if isinstance(error, dict) else {"message": str(error)}
        code = stated.get("code")
        # What is wrong with the request is wrong with it everywhere.
        blames_request = isinstance(code, int) and 400 <= code < 500
        return "" if blames_request else str(stated.get("message") or "it gave no reason")
    if any(choice.get("finish_reason") == "abort" for choice in event.get("choices") or ()):
        return "it dropped the request"
    return ""
