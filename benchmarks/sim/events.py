"""The clock of a simulation: what is due next happens next."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

__all__ = ["Clock"]


class Clock:
    """Runs functions at their moments; those of one moment in the order in which they were asked for."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._asked = 0

    def at(self, moment: float, call: Callable[..., None], *args: Any) -> None:
        """Have a function called at a moment, in seconds; at once where it has passed."""
        self._asked += 1
        heapq.heappush(self._due, (max(moment, self.now), self._asked, call, args))

    def run(self, until: float) -> None:
        """Let time pass."""
        due, pop = self._due, heapq.heappop
        while due and due[0][0] <= until:
            self.now, _, call, args = pop(due)
            call(*args)
        self.now = until
