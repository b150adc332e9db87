"""How long one request has waited, and when it looks again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

__all__ = ["Waiting"]


class Waiting:
    """A request's wait.

    Parameters
    ----------
    patience
        Seconds that its client waits; None for as long as it takes.
    look
        Called when it is time to look again.
    """

    __slots__ = (*("_look", "_since", "_timer", "patience"),)

    def __init__(self, patience: float | None, look: Callable[[], None]) -> None:
        self.patience = patience
        self._look = look
        self._timer: asyncio.TimerHandle | None = None
        self._since = time.monotonic()

    def begin(self) -> None:
        """Begin to count, with all of the client's patience."""
        self._since = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it has waited."""
        return time.monotonic() - self._since

    def look_in(self, seconds: float) -> bool:
        """Look again after so many seconds at the latest; returns False where the patience has ended."""
        if self.patience is not None:
            seconds = min(seconds, self.patience - self.seconds)
        if seconds <= 0:
            return False
        loop = asyncio.get_running_loop()
        if self._timer is None or self._timer.when() > loop.time() + seconds:
            self.end()
            self._timer = loop.call_later(seconds, self._looks)
        return True

    def end(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _looks(self) -> None:
        self._timer = None
        self._look()
