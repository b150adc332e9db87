"""Watches a cluster's records through Globus Compute: one task at a time, until there is news."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from logging import Logger

from first_jupyter_remote.protocol import QueuedJob, ReplicaRecord, Stage

from .globus_executor import CONTROL, GlobusExecutor
from .globus_faults import ComputeFault, garbled, older

__all__ = ["SLOWNESS", "GlobusWatch", "patience", "pause"]

PATIENT, IMPATIENT, BRIEF = 55.0, 15.0, 2.0
SLOWNESS = 60.0
"""Seconds that an answer may take beyond the work itself: a user endpoint that is not up needs some."""
PAUSES = (2.0, 5.0, 15.0, 30.0, 60.0)


def patience(failed: int) -> float:
    """Return how many seconds a look waits for news: fewer after failures, to know soon."""
    return IMPATIENT if failed else PATIENT


def pause(failed: int) -> float:
    """Return the seconds between two looks, by how many failed in a row."""
    return PAUSES[min(failed, len(PAUSES) - 1)]


class GlobusWatch:
    """Looks on while there is something to look at.

    Parameters
    ----------
    executor
        The endpoint.
    home, owner
        Where the records are, and whose are meant.
    needed
        Says whether there is anything to look at.
    waiting
        Names the replicas that have not begun: of these the queue is asked about.
    take
        Takes the records, and the jobs that wait, oldest first.
    told
        Called with what keeps it from looking, and with nothing once it can again.
    log
        Where that is told, too.
    """

    def __init__(
        self,
        executor: GlobusExecutor,
        home: str,
        owner: str,
        *,
        needed: Callable[[], bool],
        waiting: Callable[[], Sequence[str]],
        take: Callable[[Sequence[ReplicaRecord], Sequence[QueuedJob]], Awaitable[None]],
        told: Callable[[str], None],
        log: Logger,
    ) -> None:
        self._executor, self._home, self._owner = executor, home, owner
        self._needed, self._waiting, self._take, self._told, self._log = needed, waiting, take, told, log
        self._known: dict[str, str] = {}
        self._hurry = asyncio.Event()
        self._brief = False
        self._looking: asyncio.Task[None] | None = None
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Look as long as there is need to; a look that is under way already sees news by itself."""
        self._hurry.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look_on())

    def look_now(self) -> None:
        """Look at once and briefly, whatever another look waits for."""
        self._brief = True
        if self._looking is not None:
            self._looking.cancel()
        self.begin()

    async def end(self) -> None:
        """Look no more."""
        tasks = [task for task in (self._task, self._looking) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _look_on(self) -> None:
        failed = 0
        while True:
            self._hurry.clear()
            seconds, self._brief = BRIEF if self._brief else patience(failed), False
            self._looking = asyncio.create_task(self._look(seconds))
            await asyncio.wait([self._looking])
            if self._looking.cancelled():
                continue
            try:
                self._looking.result()
            except ComputeFault as fault:
                failed += 1
                self._told(fault.reason)
                self._log.warning("Globus Compute, endpoint %s: %s", self._executor.endpoint, fault.reason)
            else:
                failed = 0
                self._told("")
            if not self._needed():
                self._told("")
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause(failed)):
                    await self._hurry.wait()

    async def _look(self, seconds: float) -> None:
        known = {**dict.fromkeys(self._waiting(), Stage.QUEUED.value), **self._known}
        found = await self._executor.call(
            CONTROL, "watch", self._home, self._owner, known, seconds, patience=seconds + SLOWNESS
        )
        if not isinstance(found, dict):
            raise older(self._executor.endpoint)
        try:
            records = [ReplicaRecord.from_json(each) for each in found["records"]]
            queue = [QueuedJob.from_json(each) for each in found["queue"]]
        except (KeyError, TypeError, ValueError) as error:
            raise garbled(self._executor.endpoint, error) from None
        self._known = {each.replica: f"{each.stage.value}/{each.restarts}" for each in records}
        await self._take(records, queue)
