"""What is known of a server that is only asked: its last answer, and what went wrong since; plain values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from .base import Status
from .queue_words import clock

__all__ = ["STANDS", "Standing"]

T = TypeVar("T")

STANDS = 2
"""Looks in a row that have to come to nothing, where that may have been a mere moment's, until a server
counts as offline."""


@dataclass(frozen=True)
class Standing(Generic[T]):
    """What is known of a server.

    Parameters
    ----------
    answer
        The last one, None before the first.
    seen
        When it came, in seconds since the epoch.
    trouble
        Why no answer came since then, in a sentence; empty where one did.
    failed
        How many looks in a row came to nothing.
    since
        When the last of them did.
    is_down
        Whether the last answer holds no more.
    """

    answer: T | None = None
    seen: float | None = None
    trouble: str = ""
    failed: int = 0
    since: float | None = None
    is_down: bool = False

    @classmethod
    def remembered(cls, answer: T, seen: float) -> Standing[T]:
        """Take an answer that an earlier server got: it tells what there was, and that is all."""
        return cls(answer, seen, "it has not answered since Jupyter started", is_down=True)

    def told(self, answer: T, now: float) -> Standing[T]:
        """Take an answer."""
        return Standing(answer, now)

    def missed(self, trouble: str, now: float, *, passing: bool) -> Standing[T]:
        """Take note that none came.

        Parameters
        ----------
        trouble
            Why.
        now
            When.
        passing
            Whether it may have been a mere moment's.
        """
        failed = self.failed + 1
        stands = passing and failed < STANDS and self.answer is not None and not self.is_down
        return replace(self, trouble=trouble, failed=failed, since=now, is_down=not stands)

    @property
    def status(self) -> Status:
        """Whether the server is online."""
        if self.is_down:
            return Status("offline", self.trouble, self.seen)
        return Status("unknown" if self.answer is None else "online", self.trouble, self.seen)

    @property
    def stale(self) -> float | None:
        """When the last answer came, where a newer one was wanted; None where it is up to date."""
        return self.seen if self.trouble else None

    def reason(self, now: float) -> str:
        """Say what is wrong, and how old what is known is."""
        if not self.trouble or self.seen is None:
            return self.trouble
        return f"{self.trouble}; what is known is of {clock(self.seen, now)}"
