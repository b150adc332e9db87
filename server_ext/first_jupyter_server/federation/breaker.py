"""Keeps requests away from what fails, and lets single ones try whether it is back."""

from __future__ import annotations

from . import tuning

__all__ = ["Breaker"]


class _Circuit:
    """One replica or one cluster: closed, open for a while, or half-open for one request.

    Attributes
    ----------
    failures
        In a row.
    until
        When it may be tried again, in seconds of the caller's clock.
    trying
        Whether a request is on its way there that tries it.
    """

    __slots__ = ("failures", "pause", "reason", "trying", "until")

    def __init__(self, pause: float) -> None:
        self.failures = 0
        self.pause = pause
        self.reason = ""
        self.trying = False
        self.until: float | None = None

    def failed(self, reason: str, now: float, *, patience: int, longest: float) -> None:
        self.failures += 1
        self.reason = reason
        if self.trying:
            self.pause = min(longest, self.pause * 2)
        if self.trying or self.failures >= patience:
            self.until = now + self.pause
        self.trying = False

    def blocked(self, now: float) -> str | None:
        if self.until is None:
            return None
        if now < self.until:
            return f"{self.reason}; it is tried again in {self.until - now:.0f} s"
        return f"{self.reason}; one request is trying it" if self.trying else None


class Breaker:
    """All replicas and clusters that have failed lately; the others cost nothing.

    Time is passed in, in seconds of any one clock.

    Attributes
    ----------
    has_tripped
        Whether anything may be blocked at all.
    """

    def __init__(self) -> None:
        self._replicas: dict[str, _Circuit] = {}
        self._clusters: dict[str, _Circuit] = {}
        self.has_tripped = False

    def blocked(self, replica: str, cluster: str, now: float) -> str | None:
        """Return why requests are to stay away, if they are; with no replica, of the cluster alone."""
        if (circuit := self._clusters.get(cluster)) and (reason := circuit.blocked(now)):
            return f"{cluster} fails: {reason}"
        if (circuit := self._replicas.get(replica)) and (reason := circuit.blocked(now)):
            return reason
        return None

    def took(self, replica: str, cluster: str) -> None:
        """Take note that a request is on its way; where they were kept away, it is the one that tries."""
        for circuit in self._circuits(replica, cluster):
            if circuit.until is not None:
                circuit.trying = True

    def answered(self, replica: str, cluster: str) -> None:
        """Take note that a request was answered, however it ended then."""
        if self.has_tripped:
            self._replicas.pop(replica, None)
            self._clusters.pop(cluster, None)
            self._see()

    def gave_up(self, replica: str, cluster: str) -> None:
        """Take note that a request left before anybody could tell: another one may try."""
        for circuit in self._circuits(replica, cluster):
            circuit.trying = False

    def failed(self, replica: str, cluster: str, reason: str, now: float) -> None:
        """Take note that a request was refused or lost before its first byte, or waited in vain."""
        circuit = self._replicas.setdefault(replica, _Circuit(tuning.REPLICA_PAUSE))
        circuit.failed(reason, now, patience=tuning.REPLICA_FAILURES, longest=tuning.LONGEST_PAUSE)
        circuit = self._clusters.setdefault(cluster, _Circuit(tuning.CLUSTER_PAUSE))
        circuit.failed(reason, now, patience=tuning.CLUSTER_FAILURES, longest=tuning.LONGEST_PAUSE)
        self._see()

    def forget(self, alive: set[str]) -> None:
        """Drop what is known of replicas that are no more."""
        for replica in [replica for replica in self._replicas if replica not in alive]:
            del self._replicas[replica]
        self._see()

    def _see(self) -> None:
        self.has_tripped = bool(self._replicas or self._clusters)

    def _circuits(self, replica: str, cluster: str) -> list[_Circuit]:
        found = (self._replicas.get(replica), self._clusters.get(cluster))
        return [circuit for circuit in found if circuit is not None]
