"""Answers rows through the data plane and in shards at once, wherever there is room first."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

from .answered import Fault
from .executor import Executor, Give, Take
from .lines import Row
from .shards import LOOKS_EVERY, Shards, Traffic

__all__ = ["BothWays"]


class BothWays:
    """An executor of two that share the rows of one batch.

    Parameters
    ----------
    plane
        Reaches replicas as a person's requests do, and has models started.
    shards
        Reaches those that only Globus Compute leads to.
    relayed_alone
        Whether no other ones are ready, while some of these are: the data plane's few requests that they
        could take are then left to people.
    """

    def __init__(self, plane: Executor, shards: Shards, relayed_alone: Callable[[], bool]) -> None:
        self._plane, self._shards, self._relayed_alone = plane, shards, relayed_alone
        self._again: deque[Row] = deque()
        self._for_plane: deque[Row] = deque()
        self._broken: set[int] = set()

    @property
    def running(self) -> int:
        """How many rows are on their way."""
        return self._plane.running + self._shards.running

    @property
    def reason(self) -> str | None:
        """Why nothing is answered now, where that is so."""
        return self._plane.reason or self._shards.reason

    async def run(self, take: Take, give: Give) -> None:
        """Answer rows until there are no more; those that came back from a shard are taken up again."""
        over = asyncio.Event()

        async def next_row() -> Row | None:
            row = self._again.popleft() if self._again else await take()
            if row is None:
                over.set()
            return row

        async def next_for_plane() -> Row | None:
            while self._relayed_alone() and not over.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOKS_EVERY):
                        await over.wait()
            return self._for_plane.popleft() if self._for_plane else await next_row()

        while True:
            over.clear()
            async with asyncio.TaskGroup() as both:
                both.create_task(self._plane.run(next_for_plane, give))
                both.create_task(self._shards.run(Traffic(next_row, give, self._back, over)))
            if not (self._again or self._for_plane):
                return

    def _back(self, row: Row, fault: Fault | None) -> None:
        """Take a row that a shard did not answer: the data plane tells one that breaks servers by itself."""
        if fault is not None or row.number in self._broken:
            self._broken.discard(row.number)
            self._for_plane.append(row)
        else:
            self._broken.add(row.number)
            self._again.append(row)
