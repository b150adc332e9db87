"""Writes results down, many at a time; waits where the disk is full, and holds up whoever brings more."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence

from .rows import Result, Rows, Tally

__all__ = ["Checkpoints"]

EVERY = 0.5
"""Seconds between two writes, after each of which the disk is asked to keep what it got."""

TOGETHER = 2_000
"""Results that are written sooner."""

MOST = 4_000
MOST_BYTES = 32 * 2**20
"""Results, and their bytes, that may wait."""

AGAIN = 5.0
"""Seconds until the next try where the disk is full."""


class Checkpoints:
    """The results of one batch on their way to the disk.

    Parameters
    ----------
    rows
        Where they go.
    tally
        Counts those that are kept.
    kept
        Is told of those that were.
    """

    def __init__(self, rows: Rows, tally: Tally, kept: Callable[[Sequence[Result]], None]) -> None:
        self._rows, self.tally, self._kept = rows, tally, kept
        self._waiting: list[Result] = []
        self._size = 0
        self._many = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._over = False
        self.problem: str | None = None

    async def give(self, result: Result) -> None:
        """Take a result; returns once there is room for one more."""
        self._waiting.append(result)
        self._size += len(result.line)
        if len(self._waiting) >= TOGETHER or self._size >= MOST_BYTES:
            self._many.set()
        if len(self._waiting) >= MOST or self._size >= MOST_BYTES:
            self._room.clear()
            await self._room.wait()

    async def keep(self) -> None:
        """Write what comes, until the end."""
        while not self._over:
            try:
                async with asyncio.timeout(EVERY):
                    await self._many.wait()
            except TimeoutError:
                pass
            await self.flush()
        await self.flush()  # what came while the others were being written

    def end(self) -> None:
        """Have what is there written, and then no more."""
        self._over = True
        self._many.set()

    async def flush(self) -> None:
        """Write all that is there; where the disk is full, try until it is not."""
        if not self._over:
            self._many.clear()
        results, self._waiting, self._size = self._waiting, [], 0
        self._room.set()
        if not results:
            return
        await until_written(lambda: self._rows.add(results), self._say)
        for result in results:
            self.tally.add(result)
        self._kept(results)

    def _say(self, problem: str | None) -> None:
        self.problem = problem


async def until_written(write: Callable[[], None], say: Callable[[str | None], None]) -> None:
    """Have something written in a thread, again and again where the disk is full.

    Parameters
    ----------
    write
        Does it, all or nothing.
    say
        Is told what keeps it from being done, and None once nothing does.
    """
    while True:
        try:
            await asyncio.to_thread(write)
        except (sqlite3.Error, OSError) as error:
            say(f"Results cannot be written ({error}). It goes on by itself once there is room on the disk.")
            await asyncio.sleep(AGAIN)
        else:
            say(None)
            return
