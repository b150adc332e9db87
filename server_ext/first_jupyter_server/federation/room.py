"""How many rows of batches a replica gets at once: as keep it busy, behind the requests of people."""

from __future__ import annotations

from . import tuning
from .catalog import Model, Replica
from .climb import Climb
from .decision import FULL
from .measures import Measures

__all__ = ["Room", "slots_for_rows"]


def slots_for_rows(slots: int, *, shared: bool) -> int:
    """Return up to how many requests in all a replica is given one more row.

    Parameters
    ----------
    slots
        Requests that it answers at once.
    shared
        Whether people ask it as well, who are not to wait: then some of its slots stay free for them.
    """
    some = max(1, int(slots * tuning.ROWS_SHARE))
    return max(1, slots - some) if shared else slots + some


class Room:
    """The view of one model for rows: where there is no room for one, a replica is full.

    Parameters
    ----------
    measures
        The view for people's requests, by which rows go besides.
    """

    def __init__(self, measures: Measures) -> None:
        self._measures = measures
        self._now = 0.0
        self._people = float("-inf")
        self._rows: dict[str, int] = {}
        self._climbs: dict[str, Climb] = {}
        self._model: Model | None = None
        self._slots: dict[str, int | None] = {}

    def at(self, now: float, model: Model) -> Room:
        """Return the view of this moment."""
        self._now = now
        self._measures.at(now)
        if model is not self._model:
            self._model = model
            self._slots = {replica.id: replica.slots for place in model.places for replica in place.replicas}
            self._climbs = {name: climb for name, climb in self._climbs.items() if name in self._slots}
        return self

    # what the router asks

    def running(self, replica: str) -> int:
        """Return how many requests a replica answers for us now."""
        return self._measures.running(replica)

    def first_token(self, replica: str, cluster: str) -> float | None:
        """Return the seconds to the first token where no request stands before it."""
        return self._measures.first_token(replica, cluster)

    def service(self, replica: str, cluster: str) -> float | None:
        """Return the seconds for which an answer takes a slot."""
        return self._measures.service(replica, cluster)

    def blocked(self, replica: str, cluster: str) -> str | None:
        """Return why rows are kept away from a replica or its cluster, if they are."""
        if out := self._measures.blocked(replica, cluster):
            return out
        return FULL if replica and self.running(replica) >= self._most(replica) else None

    def _most(self, replica: str) -> int:
        people = self.running(replica) - self.rows(replica)
        shared = people > 0 or self._now - self._people < tuning.SHARED_FOR
        slots = self._slots.get(replica)
        return slots_for_rows(self._climb(replica).slots if slots is None else slots, shared=shared)

    # what happens

    def rows(self, replica: str) -> int:
        """Return how many rows a replica answers now."""
        return self._rows.get(replica, 0)

    def took(self, replica: Replica, now: float, *, row: bool) -> None:
        """Count a request in."""
        if row:
            self._rows[replica.id] = self.rows(replica.id) + 1
        else:
            self._people = now

    def left(self, replica: Replica, now: float, *, row: bool) -> None:
        """Count a request out."""
        if row:
            self._rows[replica.id] -= 1
        else:
            self._people = now

    def answered(self, replica: Replica, now: float, *, waiting: bool) -> None:
        """Take note that a row was answered; ``waiting`` tells whether further ones wait."""
        if replica.slots is None:
            self._now = now
            self._climb(replica.id).answered(self._most(replica.id), now, waiting=waiting)

    def refused(self, replica: Replica) -> None:
        """Take note that a replica has too much to do."""
        if replica.slots is None:
            self._climb(replica.id).refused()

    def _climb(self, replica: str) -> Climb:
        climb = self._climbs.get(replica)
        if climb is None:
            climb = self._climbs[replica] = Climb()
        return climb
