"""Who answers the rows of a batch: takes one after the other, at its own pace, and gives back results."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from .lines import Row
from .rows import Result

__all__ = ["Executor", "Give", "Take"]

Take = Callable[[], Awaitable[Row | None]]
"""Returns the next row; None where there are no more."""

Give = Callable[[Result], Awaitable[None]]
"""Takes the result of a row; returns once there is room for one more."""


class Executor(Protocol):
    """Answers rows; several of them may share those of one batch."""

    @property
    def running(self) -> int:
        """How many rows are on their way."""

    @property
    def reason(self) -> str | None:
        """Why nothing is answered now, where that is so, in a sentence."""

    async def run(self, take: Take, give: Give) -> None:
        """Answer rows until there are no more.

        Each row that was taken is given back, as answered or as failed. Whoever cancels this has those that
        were not given back answered another time.
        """
