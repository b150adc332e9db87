"""Tells Jupyter of what goes on beside its own port, so that whoever culls idle servers waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime

__all__ = ["Activity"]

EVERY = 1.0
"""Seconds between two looks at whether something goes on."""


class Activity:
    """Keeps the time of the last activity, as other extensions keep theirs.

    Parameters
    ----------
    times
        Jupyter's, by the extension that tells them (its setting ``last_activity_times``).
    is_busy
        Whether something goes on now.

    Notes
    -----
    A JupyterHub hears of this time alone; Jupyter's own ``shutdown_no_activity_timeout`` asks the
    extension besides (``current_activity``).
    """

    def __init__(self, times: MutableMapping[str, datetime], is_busy: Callable[[], bool]) -> None:
        self._times, self._is_busy = times, is_busy
        self._watch: asyncio.Task[None] | None = None

    def note(self) -> None:
        """Take note that something happened just now."""
        self._times["first"] = datetime.now(UTC)

    def start(self) -> None:
        """Begin to look."""
        self._watch = asyncio.create_task(self._look())

    def stop(self) -> None:
        """Look no more."""
        if self._watch is not None:
            self._watch.cancel()

    async def _look(self) -> None:
        while True:
            if self._is_busy():
                self.note()
            await asyncio.sleep(EVERY)
