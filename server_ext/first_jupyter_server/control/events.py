"""Jupyter's events of ours: their schemas, and those that a new catalog makes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from importlib import resources
from typing import Any

from first_jupyter_server.federation.catalog import Catalog, Place

__all__ = ["BATCH", "CLUSTERS", "CURRENT_MODEL", "LOGIN", "MODEL_STATE", "USAGE", "changes", "register"]

BATCH = "https://first-jupyter.org/events/batch/v1"
CLUSTERS = "https://first-jupyter.org/events/clusters/v1"
MODEL_STATE = "https://first-jupyter.org/events/model-state/v1"
CURRENT_MODEL = "https://first-jupyter.org/events/current-model/v1"
USAGE = "https://first-jupyter.org/events/usage/v1"
LOGIN = "https://first-jupyter.org/events/login/v1"

_TOLD = ("state", "stage", "reason", "progress", "eta")

STEADY = 90.0
"""Seconds by which an expected time may be less from one look to the next and be no news: it runs down by
itself, and whoever shows it counts."""


def register(event_logger: Any) -> None:
    """Make the schemas known to Jupyter."""
    folder = resources.files(__package__).joinpath("schemas")
    for schema in folder.iterdir():
        event_logger.register_event_schema(schema.read_text(encoding="utf-8"))


def _lasting(place: Place) -> tuple[Place, int]:
    """Return what is news when it changes: not when a replica would end, which moves with each request."""
    leases = tuple(dataclasses.replace(lease, expires=None) for lease in place.leases)
    shown = dataclasses.replace(place, replicas=(), ended=None, again=False, leases=leases, eta=None)
    return shown, len(place.replicas)


def _is_news(old: Place | None, new: Place) -> bool:
    if old is None or _lasting(old) != _lasting(new):
        return True
    if old.eta is None or new.eta is None:
        return old.eta != new.eta
    return not 0 <= old.eta - new.eta <= STEADY


def changes(old: Catalog, new: Catalog) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return the events that lead from one catalog to the next, each with its schema's id."""
    before = {(model.id, place.cluster): place for model in old.models for place in model.places}
    for model in new.models:
        for place in model.places:
            if _is_news(before.get((model.id, place.cluster)), place):
                public = place.public()
                yield (
                    MODEL_STATE,
                    {"model": model.id, "cluster": place.cluster, **{key: public[key] for key in _TOLD}},
                )
    if old.current != new.current:
        yield CURRENT_MODEL, {"model": new.current}
