"""What is measured of one model's replicas: who runs how much, and how long answers take."""

from __future__ import annotations

from . import tuning
from .breaker import Breaker
from .catalog import Replica

__all__ = ["Measures"]


class _Figures(dict[str, float]):
    """Smoothed seconds by name; a dictionary, since dozens are looked up for each request."""

    def __init__(self) -> None:
        super().__init__()
        self._at: dict[str, float] = {}

    def add(self, name: str, seconds: float, now: float) -> None:
        old = self.get(name)
        self[name] = seconds if old is None else old + tuning.WEIGHT * (seconds - old)
        self._at[name] = now

    def forget(self, before: float) -> None:
        for name in [name for name, at in self._at.items() if at < before]:
            del self[name], self._at[name]


class Measures:
    """The data plane's view of one model.

    Parameters
    ----------
    breaker
        Knows which replicas and clusters fail, whatever the model.

    Notes
    -----
    Time is passed in, in seconds of the clock that the breaker is told. The figures of a cluster are those of
    the model there: a cluster's small model says nothing of its large one.
    """

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker
        self._now = 0.0
        self._forgotten = 0.0
        self._running: dict[str, int] = {}
        self._first, self._first_there = _Figures(), _Figures()
        self._service, self._service_there = _Figures(), _Figures()

    def at(self, now: float) -> Measures:
        """Return the view of this moment."""
        self._now = now
        if now - self._forgotten > tuning.MEASURED_FOR / 10:
            self._forgotten = now
            for figures in (self._first, self._first_there, self._service, self._service_there):
                figures.forget(now - tuning.MEASURED_FOR)
        return self

    # what the router asks

    def running(self, replica: str) -> int:
        """Return how many requests a replica answers for us now."""
        return self._running.get(replica, 0)

    def first_token(self, replica: str, cluster: str) -> float | None:
        """Return the seconds to the first token where no request stands before it."""
        seconds = self._first.get(replica)
        return self._first_there.get(cluster) if seconds is None else seconds

    def service(self, replica: str, cluster: str) -> float | None:
        """Return the seconds for which an answer takes a slot."""
        seconds = self._service.get(replica)
        return self._service_there.get(cluster) if seconds is None else seconds

    def blocked(self, replica: str, cluster: str) -> str | None:
        """Return why requests are kept away from a replica or its cluster, if they are."""
        return self._breaker.blocked(replica, cluster, self._now) if self._breaker.has_tripped else None

    # what happens

    def took(self, replica: Replica) -> float:
        """Count a request in.

        Returns
        -------
        float
            The requests that are there now, it among them, in multiples of the slots; above 1 it is queued.
        """
        running = self._running[replica.id] = self._running.get(replica.id, 0) + 1
        return running / (replica.slots or tuning.SLOTS)

    def left(self, replica: Replica) -> None:
        """Count a request out."""
        running = self._running[replica.id] - 1
        if running:
            self._running[replica.id] = running
        else:
            del self._running[replica.id]

    def began(self, replica: Replica, cluster: str, seconds: float, *, crowd: float, now: float) -> None:
        """Take a first token's time, unless it stood in a queue: ``crowd`` is what ``took`` returned."""
        if crowd <= 1:
            self._first.add(replica.id, seconds, now)
            self._first_there.add(cluster, seconds, now)

    def ended(self, replica: Replica, cluster: str, seconds: float, *, crowd: float, now: float) -> None:
        """Take a whole answer's time; of a queued one the share that it held a slot."""
        held = seconds / max(1.0, crowd)
        self._service.add(replica.id, held, now)
        self._service_there.add(cluster, held, now)
