"""The nodes that replicas had, and for how long: plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["Held", "node_hours"]

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Held:
    """The nodes of one replica.

    Parameters
    ----------
    cluster, replica, model
        Whose they are.
    nodes
        How many, or its share of one.
    began, until
        From when until when it had them, as far as is known; in seconds since the epoch, by our clock.
    """

    cluster: str
    replica: str
    model: str
    nodes: float
    began: float
    until: float


def node_hours(held: Iterable[Held], begin: float, end: float) -> Mapping[str, float]:
    """Return the node-hours of a span of time, by model.

    Parameters
    ----------
    held
        Each replica once.
    begin, end
        The span, in seconds since the epoch.
    """
    hours: dict[str, float] = {}
    for each in held:
        if (seconds := min(each.until, end) - max(each.began, begin)) > 0:
            hours[each.model] = hours.get(each.model, 0.0) + seconds * each.nodes / HOUR
    return hours
