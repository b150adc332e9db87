"""Whose turn it is on a node's GPUs: of the models that share them, one is awake at a time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Turns"]


class Turns:
    """Hands the turn on in the order in which it was asked for, those first that somebody waits for.

    The agents of one task share it, each in its own thread. It has no clock: each moment is given.

    Parameters
    ----------
    line
        Those that stand in the line from the beginning.
    """

    def __init__(self, line: Sequence[str] = ()) -> None:
        self._lock = threading.Lock()
        self._holder: str | None = None
        self._line: dict[str, float | None] = dict.fromkeys(line)

    def ask(self, name: str, now: float, *, urgent: bool) -> bool:
        """Stand in the line, urgent if somebody waits for this one; return whether it has the turn."""
        with self._lock:
            if self._holder != name:
                since = self._line.get(name)
                self._line[name] = (now if since is None else since) if urgent else None
                if self._holder is not None or name != self._next():
                    return False
                self._holder = name
            self._line.pop(name, None)
            return True

    def leave(self, name: str) -> None:
        """Give the turn back, or leave the line."""
        with self._lock:
            self._line.pop(name, None)
            if self._holder == name:
                self._holder = None

    def waiting(self, now: float) -> tuple[int, float | None]:
        """Return how many are in the line, and how long an urgent one has been, None where none is."""
        with self._lock:
            urgent = [now - since for since in self._line.values() if since is not None]
            return len(self._line), max(urgent, default=None)

    def _next(self) -> str:
        urgent = (name for name, since in self._line.items() if since is not None)
        return next(urgent, next(iter(self._line)))
