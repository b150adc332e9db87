"""On which further clusters a model is started, where a batch asks for more replicas than there are: pure."""

from __future__ import annotations

from .catalog import Model, Place
from .estimates import hot_in

__all__ = ["clusters_to_start"]


def clusters_to_start(model: Model, wanted: int) -> list[str]:
    """Return clusters that have none of the model yet and could start one, the soonest first.

    Parameters
    ----------
    model
        What there is of it.
    wanted
        How many replicas there are to be in all.
    """
    there = sum(max(len(place.replicas), len(place.leases)) for place in model.places)
    able = [(seconds, place) for place in model.places if (seconds := _could(place)) is not None]
    able.sort(key=lambda pair: pair[0])
    return [place.cluster for _, place in able[: max(0, wanted - there)]]


def _could(place: Place) -> float | None:
    return None if place.barred or place.replicas or place.leases else hot_in(place)
