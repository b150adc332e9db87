"""What a cluster offers besides whose replicas are ours to begin and to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from .base import Cluster

__all__ = ["Log", "Scalable"]


@dataclass(frozen=True, slots=True)
class Log:
    """The end of the log of a replica, one that runs or one that failed.

    Parameters
    ----------
    cluster, replica, node
        Which one, and where it runs or ran.
    at
        When it failed, or was looked at; in seconds since the epoch.
    reason
        Why it failed, in a sentence; empty where it did not.
    lines, file
        The last lines, none where none came here, and the file on the node that has all of them.
    """

    cluster: str
    replica: str
    node: str | None
    at: float
    reason: str
    lines: tuple[str, ...] = ()
    file: str | None = None

    def public(self) -> dict[str, Any]:
        """Return what the control API shows."""
        return {
            "cluster": self.cluster,
            "replica": self.replica,
            "node": self.node,
            "at": self.at,
            "reason": self.reason,
            "lines": list(self.lines),
            "file": self.file,
        }


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

    def failure(self, model: str) -> Log | None:
        """Return how the model's last replica ended, where it failed."""

    async def tail(self, replica: str) -> tuple[Sequence[str], str]:
        """Return the last lines of a replica's log as it is now, and the file that has all of it.

        Raises
        ------
        ApiError
            Where they cannot be had.
        """

    def took(self, model: str) -> Sequence[float]:
        """Return the seconds that earlier starts of a model took, the wait for a node included."""
