"""The tokens that a batch may use: once they are used up, no more of its rows are handed out."""

from __future__ import annotations

from .executor import Give, Take
from .lines import Row
from .rows import Result, Tally

__all__ = ["Purse"]


class Purse:
    """Stands between a batch's rows and who answers them.

    Parameters
    ----------
    limit
        Tokens of prompts and answers together; None for no limit.
    tally
        What was used by now.
    take, give
        As an executor gets them.
    """

    def __init__(self, limit: int | None, tally: Tally, take: Take, give: Give) -> None:
        self._limit = limit
        self._used = tally.prompt + tally.completion
        self._take, self._give = take, give

    @property
    def is_empty(self) -> bool:
        """Whether all is used up."""
        return self._limit is not None and self._used >= self._limit

    async def take(self) -> Row | None:
        """Return the next row; None also where all is used up."""
        return None if self.is_empty else await self._take()

    async def give(self, result: Result) -> None:
        """Take a result."""
        self._used += result.prompt + result.completion
        await self._give(result)
