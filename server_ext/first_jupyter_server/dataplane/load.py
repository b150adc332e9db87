"""How much runs and waits, as the extension and the control API are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from first_jupyter_server.federation.catalog import Catalog

if TYPE_CHECKING:
    from .exchange import Exchange
    from .traffic import Traffic

__all__ = ["counts", "rows", "running"]

Key = tuple[str, str]
"""A model and a cluster."""


def counts(
    catalog: Catalog, traffic: Traffic, held: Mapping[Exchange, tuple[str, str]]
) -> dict[Key, tuple[int, int]]:
    """Return how many requests run and wait; rows of batches do not count as waiting.

    Parameters
    ----------
    held
        The requests in line, each with its model and by whom it is asked.
    """
    run: Counter[Key] = Counter()
    wait: Counter[Key] = Counter()
    for model in catalog.models:
        measures = traffic.measures(model.id)
        for place in model.places:
            for replica in place.replicas:
                run[model.id, place.cluster] += measures.running(replica.id)
    for exchange, (model_id, _) in held.items():
        if not exchange.choosing.batch:
            wait[model_id, exchange.choosing.waits_at] += 1
    return {key: (run[key], wait[key]) for key in {*run, *wait} if run[key] or wait[key]}


def rows(catalog: Catalog, traffic: Traffic) -> dict[Key, int]:
    """Return how many of those that run are rows of batches, where there are any."""
    found = {
        (model.id, place.cluster): sum(traffic.room(model.id).rows(each.id) for each in place.replicas)
        for model in catalog.models
        for place in model.places
    }
    return {key: number for key, number in found.items() if number}


def running(catalog: Catalog, traffic: Traffic) -> dict[str, int]:
    """Return how many requests each replica answers, of those that answer any."""
    found = {
        replica.id: traffic.measures(model.id).running(replica.id)
        for model in catalog.models
        for place in model.places
        for replica in place.replicas
    }
    return {replica: requests for replica, requests in found.items() if requests}
