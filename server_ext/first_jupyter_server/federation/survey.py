"""What there is of models and nodes, as scaling counts it: pure, from the catalog."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .catalog import Counts, Model, Place
from .scaling import Unit
from .terms import Key, Terms

__all__ = ["asked_for", "in_flight", "in_use", "units", "without_rows"]

_OVER = ("draining", "stopped", "failed")


def units(place: Place, running: Mapping[str, int], now: float) -> tuple[Unit, ...]:
    """Return the replicas that count; one that is to succeed another counts when that one is gone.

    Parameters
    ----------
    place
        The model on its cluster.
    running
        The requests that each replica answers.
    now
        The moment, in seconds since the epoch.
    """
    there = [lease for lease in place.leases if lease.stage not in _OVER]
    names = {lease.replica for lease in there}
    return tuple(
        Unit(
            lease.replica,
            ready=lease.stage in ("ready", "asleep"),
            running=running.get(lease.replica, 0),
            held=lease.held_until is not None and lease.held_until > now,
        )
        for lease in there
        if lease.follows not in names
    )


def in_flight(model: str, counts: Mapping[Key, tuple[int, int]]) -> int:
    """Return the requests for a model that are answered or wait; the keys are models and clusters."""
    return sum(run + wait for (name, _), (run, wait) in counts.items() if name == model)


def without_rows(counts: Counts, rows: Mapping[Key, int]) -> Counts:
    """Leave out the rows of batches, which would keep any number of replicas busy; by model and cluster."""
    return {key: (run - rows.get(key, 0), wait) for key, (run, wait) in counts.items()}


def asked_for(models: Iterable[Model], terms: Mapping[Key, Terms]) -> dict[Key, float]:
    """Count the nodes that are in use or waited for, of each cluster (under no model's name) and model."""
    return _nodes(models, terms, gone=("stopped", "failed"))


def in_use(models: Iterable[Model], terms: Mapping[Key, Terms]) -> dict[Key, float]:
    """Count the nodes that are in use; those that a job still waits for cost nothing."""
    return _nodes(models, terms, gone=("queued", "stopped", "failed"))


def _nodes(models: Iterable[Model], terms: Mapping[Key, Terms], *, gone: tuple[str, ...]) -> dict[Key, float]:
    nodes: dict[Key, float] = {}
    for model in models:
        for place in model.places:
            if (said := terms.get((place.cluster, model.id))) is None:
                continue
            taken = said.nodes * sum(lease.stage not in gone for lease in place.leases)
            for key in ((place.cluster, ""), (place.cluster, model.id)):
                nodes[key] = nodes.get(key, 0.0) + taken
    return nodes
