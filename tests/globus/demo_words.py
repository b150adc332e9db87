"""How the demonstrations print: titles, and stages with the seconds that each took."""

from __future__ import annotations

import sys
import time

__all__ = ["Clock", "say", "title"]


class Clock:
    """Prints stages, with the seconds that each took."""

    def __init__(self) -> None:
        self.begun = self._last = time.monotonic()

    def done(self, what: str) -> None:
        """Say that a stage is over."""
        now = time.monotonic()
        say(f"{now - self._last:7.1f} s  {what}")
        self._last = now


def say(line: str = "") -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def title(words: str) -> None:
    say(f"\n{words}\n{'-' * len(words)}")
