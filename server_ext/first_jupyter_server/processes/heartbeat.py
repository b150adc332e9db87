"""Tells whether the data plane's process still answers, by a question every few seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

__all__ = ["Heartbeat", "silence"]

EVERY = 3.0
"""Seconds between two questions."""

LIMIT = 15.0
"""Seconds of silence after which a process counts as hung; a busy machine may keep it from some answers."""

LATE = 1.0
"""Seconds by which we may be late ourselves, before we take it that this process was kept from running."""


def silence(before: float, *, took: float, every: float, heard: bool) -> float:
    """Return for how many seconds the other process has been silent while we were awake.

    Who was suspended (a laptop's lid, a Ctrl-Z in the terminal) or blocked cannot tell who else was, so the
    count begins anew.

    Parameters
    ----------
    before
        For how long it had been silent before the last question.
    took
        The seconds since then, by our clock.
    every
        What we had meant to wait.
    heard
        Whether it has answered since.
    """
    return 0.0 if heard or took > every + LATE else before + took


class Heartbeat:
    """Asks one process, on and on, whether it is there.

    Parameters
    ----------
    ask
        Sends the question.
    """

    def __init__(self, ask: Callable[[], None]) -> None:
        self._ask = ask
        self._heard = False

    def heard(self) -> None:
        """Take note of an answer."""
        self._heard = True

    async def lost(self) -> float:
        """Return once the process has been silent for too long: for how many seconds."""
        silent = 0.0
        while silent < LIMIT:
            self._heard = False
            self._ask()
            begun, every = time.monotonic(), EVERY
            await asyncio.sleep(every)
            silent = silence(silent, took=time.monotonic() - begun, every=every, heard=self._heard)
        return silent
