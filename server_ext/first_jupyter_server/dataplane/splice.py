"""A second replica's events, made to look like more of the first one's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from .sieve import MAX_EVENT
from .transcript import SoFar

__all__ = ["Diverged", "Seam", "Splice", "finish_events"]

_DONE = b"data: [DONE]\n\n"


class Diverged(Exception):  # noqa: N818  (it tells of a choice of the model, not of a mistake)
    """The next replica does not write again what the client has seen, so what it writes is of no use."""


@dataclass(frozen=True, slots=True)
class Seam:
    """Where an answer went on.

    Parameters
    ----------
    at
        After how many characters.
    left, took
        The replica that wrote them, and the one that went on.
    cluster
        Where that one is.
    """

    at: int
    left: str
    took: str
    cluster: str

    def public(self) -> dict[str, Any]:
        """Return it as the client gets it."""
        return {"at": self.at, "from": self.left, "to": self.took, "cluster": self.cluster}


class Splice:
    """Rewrites the events of a replica that goes on with an answer.

    Parameters
    ----------
    so_far
        The answer as its client has seen it.
    known, kept
        What the replica writes again, and how many tokens it was given; see ``continuation.Ask``.
    seams
        All seams of the answer, this one last.

    Attributes
    ----------
    begun
        Whether the replica has written something that the client has not seen, or has come to the end.
    """

    def __init__(self, so_far: SoFar, known: str, kept: int, seams: tuple[Seam, ...]) -> None:
        self._so_far = so_far
        self._known = known
        self._kept = kept
        self.seams = seams
        self.begun = False
        self._note = {"seams": [seam.public() for seam in seams]}
        self._half = b""

    def feed(self, data: bytes) -> bytes:
        """Take a piece of the replica's answer; returns the events that the client gets.

        Raises
        ------
        Diverged
            If the replica writes something else than what the client has seen already, or a line without end.
        """
        lines = (self._half + data).split(b"\n")
        self._half = lines.pop()
        if len(self._half) > MAX_EVENT:
            raise Diverged
        return b"".join(self._line(line.rstrip(b"\r")) for line in lines)

    def rest(self) -> bytes:
        """Return what is left when the replica's answer has ended without an end of line."""
        rest, self._half = self._half, b""
        return self._line(rest)

    def _line(self, line: bytes) -> bytes:
        if not line:
            return b""
        payload = line.removeprefix(b"data:").strip()
        try:
            event = None if payload in (line, b"[DONE]") else orjson.loads(payload)
        except orjson.JSONDecodeError:
            event = None
        if not isinstance(event, dict):
            self.begun = self.begun or payload != line
            return line + b"\n\n"
        if not self._keeps(event):
            return b""
        self.begun = True
        return b"data: " + orjson.dumps(event) + b"\n\n"

    def _keeps(self, event: dict[str, Any]) -> bool:
        """Change an event in place; returns whether anything of it is left for the client."""
        if "error" in event:
            return True
        event.update({key: value for key, value in self._so_far.frame.items() if key in event})
        choices = event.get("choices") or []
        left = [self._keeps_choice(choice) for choice in choices]
        ends = any(choice.get("finish_reason") for choice in choices)
        usage = event.get("usage")
        if usage:
            self._add_up(usage)
        if ends or (usage and not choices):
            event["x_first"] = self._note
        return not choices or any(left) or ends or bool(usage)

    def _keeps_choice(self, choice: dict[str, Any]) -> bool:
        delta = choice.get("delta")
        holder, key = (choice, "text") if delta is None else (delta, "content")
        written = holder.get(key)
        if written:
            holder[key] = self._unseen(written)
        if choice.get("finish_reason") and self._known:
            raise Diverged
        if delta is None:
            return bool(holder[key]) or not (written or self._known)
        if self._so_far.text and (delta.get("reasoning_content") or delta.get("reasoning")):
            # It takes the text for an answer to be thought about anew.
            raise Diverged
        says_role = self._so_far.begun and delta.pop("role", None)
        return any(delta.values()) or not (written or says_role or self._known)

    def _unseen(self, text: str) -> str:
        """Return what the client has not seen of a text."""
        if not self._known:
            return text
        if self._known.startswith(text):
            self._known = self._known[len(text) :]
            return ""
        if text.startswith(self._known):
            unseen = text[len(self._known) :]
            self._known = ""
            return unseen
        raise Diverged

    def _add_up(self, usage: dict[str, Any]) -> None:
        """Count what the first replicas wrote as written, not as read."""
        for key, more in (("prompt_tokens", -self._kept), ("completion_tokens", self._kept)):
            if isinstance(usage.get(key), int):
                usage[key] = max(0, usage[key] + more)


def finish_events(so_far: SoFar, seams: tuple[Seam, ...], *, chat: bool) -> bytes:
    """Return the end of an answer whose text is whole but whose last events are lost."""
    if so_far.finish is not None:
        return _DONE
    choice: dict[str, Any] = {
        "index": 0,
        **({"delta": {}} if chat else {"text": ""}),
        "finish_reason": "length",
    }
    event: dict[str, Any] = {**so_far.frame, "choices": [choice]}
    if seams:
        event["x_first"] = {"seams": [seam.public() for seam in seams]}
    return b"data: " + orjson.dumps(event) + b"\n\n" + _DONE
