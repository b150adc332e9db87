"""Looks at a server again and again: often after trouble, rarely while nobody is there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from logging import Logger

__all__ = ["EVERY", "NOT_BEFORE", "Looks", "pause"]

EVERY = 60.0
"""Seconds between two looks at a server that answers."""
NOT_BEFORE = 5.0
"""Seconds for which an answer holds, also one that says no: nobody looks twice within them."""
QUIET, QUIET_EVERY = 600.0, 600.0
"""Seconds without any activity in Jupyter after which nobody is there, and between two looks then."""


def pause(failed: int, idle: float) -> float:
    """Return the seconds until the next look.

    Parameters
    ----------
    failed
        How many looks in a row came to nothing.
    idle
        Seconds since somebody did something in Jupyter.
    """
    if idle >= QUIET:
        return QUIET_EVERY
    return min(EVERY, NOT_BEFORE * 2 ** (failed - 1)) if failed else EVERY


class Looks:
    """Looks for as long as a cluster is open.

    Parameters
    ----------
    look
        Looks once, and returns how many looks in a row came to nothing.
    idle
        Returns the seconds since somebody did something in Jupyter.
    log
        Where it is told if that fails.
    holds
        Returns the seconds for which an answer holds.
    """

    def __init__(
        self,
        look: Callable[[], Awaitable[int]],
        idle: Callable[[], float],
        log: Logger,
        holds: Callable[[], float] = lambda: NOT_BEFORE,
    ) -> None:
        self._look, self._idle, self._log, self._holds = look, idle, log, holds
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Look now, and from then on."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def now(self) -> None:
        """Look as soon as the last answer holds no more."""
        self._wanted.set()

    async def end(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            self._wanted.clear()
            try:
                failed = await self._look()
            except Exception as error:  # noqa: BLE001  # the next look may fare better
                self._log.error("A look at a server failed: %s", error, exc_info=error)
                failed = 1
            waited = self._holds()
            await asyncio.sleep(waited)
            # In steps, so that who comes back after a while does not wait for a look that is far off.
            while waited < pause(failed, self._idle()) and not self._wanted.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(NOT_BEFORE):
                        await self._wanted.wait()
                waited += NOT_BEFORE
