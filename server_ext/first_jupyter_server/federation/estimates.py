"""How soon a place would begin to answer, in seconds: from what is measured, else from what is usual."""

from __future__ import annotations

from typing import Protocol

from . import tuning
from .catalog import Place, Replica

__all__ = ["View", "hot_in", "load", "until_first_token"]


class View(Protocol):
    """What is measured of replicas and clusters; the data plane and the simulator each have one."""

    def running(self, replica: str) -> int:
        """Return how many requests a replica answers for us now."""

    def first_token(self, replica: str, cluster: str) -> float | None:
        """Return the seconds to the first token where no request stands before it, as measured."""

    def service(self, replica: str, cluster: str) -> float | None:
        """Return the seconds that an answer takes, as measured."""

    def blocked(self, replica: str, cluster: str) -> str | None:
        """Return why requests are kept away from a replica or its cluster, if they are."""


def load(replica: Replica, running: int) -> float:
    """Return a number of requests at a replica in multiples of its slots."""
    return running / (replica.slots or tuning.SLOTS)


def until_first_token(place: Place, replica: Replica, running: int, view: View) -> tuple[float, float]:
    """Estimate what one more request at a replica that is ready comes to.

    Returns
    -------
    tuple
        The seconds to its first token; and the cost that the choice goes by, which counts besides that it
        slows all who are there: without that one replica would be filled up while others idle.
    """
    first = view.first_token(replica.id, place.cluster)
    if first is None:
        first = tuning.FIRST_TOKEN.get(place.kind, tuning.FIRST_TOKEN_ELSEWHERE)
    if not running:
        return first, first
    slots = replica.slots or tuning.SLOTS
    service = view.service(replica.id, place.cluster)
    if service is None:
        service = tuning.SERVICE
    seconds = first if running < slots else first + (running + 1 - slots) / slots * service
    return seconds, seconds + running * tuning.CROWD / slots * service


def hot_in(place: Place) -> float | None:
    """Estimate the seconds until a place is hot; None where it is offline, so that nobody can tell."""
    if place.replicas or place.state == "hot":
        return 0.0
    if place.eta is not None:
        return place.eta
    if (usual := tuning.READY.get((place.kind, place.state.value))) is not None:
        return usual
    return tuning.READY_ELSEWHERE.get(place.state.value)
