"""What a cluster offers besides whose replicas are ours to begin and to end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from .base import Cluster

__all__ = ["Scalable"]


@runtime_checkable
class Scalable(Cluster, Protocol):
    """A cluster whose replicas can be begun and ended one by one."""

    async def add(self, model: str, hold: float | None = None) -> None:
        """Have one more replica started, whatever is there; return before it is ready.

        Parameters
        ----------
        model
            Its id.
        hold
            Seconds for which it is kept warm once it is ready, used or not.
        """

    async def end(self, replica: str) -> None:
        """Have one replica drained and ended; return before it is."""

    async def keep(self, replica: str, seconds: float) -> None:
        """Have one replica kept warm for so many seconds from now, or from when it is ready."""

    def took(self, model: str) -> Sequence[float]:
        """Return the seconds that earlier starts of a model took, the wait for a node included."""
