"""How fast rows are answered, of late, and how long the rest will take."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

__all__ = ["Pace"]

OVER = 30.0
"""Seconds over which the rate is taken."""


class Pace:
    """The rate of one batch.

    Parameters
    ----------
    clock
        Returns seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()

    def at(self, done: int) -> None:
        """Take note of how many rows are done now."""
        now = self._clock()
        self._seen.append((now, done))
        while len(self._seen) > 2 and self._seen[1][0] <= now - OVER:
            self._seen.popleft()

    @property
    def rate(self) -> float | None:
        """Rows a second; None until it can be told."""
        if len(self._seen) < 2:
            return None
        (began, before), (now, done) = self._seen[0], self._seen[-1]
        return round((done - before) / (now - began), 3) if now > began else None

    def eta(self, left: int) -> float | None:
        """Return the seconds until as many more are done."""
        return round(left / self.rate, 1) if self.rate else None
