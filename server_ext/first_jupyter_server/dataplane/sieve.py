"""What a client may get now of a streamed answer: whole events, and none with which its server gives up."""

from __future__ import annotations

from collections.abc import Callable

import orjson

__all__ = ["Sieve"]

MAX_EVENT = 1_048_576
"""Bytes of an event that are held until it is whole."""

_SUSPICIOUS = (b'"error"', b'"abort"')
"""What an event holds with which a server gives an answer up; quotes within a text are escaped."""

_DONE = b"data: [DONE]\n\n"


class Sieve:
    """Holds back what would spoil the stream that another replica is to go on with.

    Parameters
    ----------
    says_why
        Where the server may end an answer before it is whole: given the last events, returns whether the
        answer has said why it ends, or cannot be gone on with. None where every end is one.

    Attributes
    ----------
    broken
        Why the server has given the answer up in an event of its own; empty while it has not.
    is_large
        Whether there was an event too large to be held, of which half has been passed on.
    """

    __slots__ = ("_half", "broken", "is_large", "says_why")

    def __init__(self, says_why: Callable[[bytes], bool] | None = None) -> None:
        self.says_why = says_why
        self._half = b""
        self.broken = ""
        self.is_large = False

    def take(self, data: bytes) -> bytes:
        """Take a piece of the answer; returns what the client may get now: the same object if it is that."""
        if self._half or not data.endswith(b"\n\n"):
            data = self._whole(data)
        if _SUSPICIOUS[0] in data or _SUSPICIOUS[1] in data:
            data = self._before_giving_up(data)
        if self.says_why is not None and data.endswith(_DONE):
            rest = data[: -len(_DONE)]
            if not self.says_why(rest):
                self.broken = "it ended the answer without saying why"
                return rest
        return data

    def rest(self) -> bytes:
        """Return what is still held when the answer has ended: an event whose end is missing."""
        rest, self._half = self._half, b""
        return rest

    def _whole(self, data: bytes) -> bytes:
        """Return the whole events there are, and hold the rest."""
        data = self._half + data
        end = max(data.rfind(b"\n\n") + 2 if b"\n\n" in data else 0, _after(data, b"\r\n\r\n"))
        whole, self._half = data[:end], data[end:]
        if len(self._half) > MAX_EVENT:
            self.is_large = True
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


def _after(data: bytes, mark: bytes) -> int:
    at = data.rfind(mark)
    return at + len(mark) if at >= 0 else 0


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
