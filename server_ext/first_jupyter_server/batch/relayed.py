"""Which replicas the rows of a batch reach by Globus Compute alone, and whether there are others; pure."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import orjson

from first_jupyter_server.errors import ApiError
from first_jupyter_server.federation.catalog import Catalog, Place, Replica
from first_jupyter_server.federation.router import excluded
from first_jupyter_server.federation.wishes import Wishes

__all__ = ["Relayed", "goes_elsewhere", "relayed"]


class Relayed(NamedTuple):
    """The replicas of a model that may serve a batch.

    Parameters
    ----------
    there
        Those that only Globus Compute leads to, each with its cluster's name, by id; they carry the model's
        name as their server knows it.
    alone
        Whether there are such, and no others.
    """

    there: dict[str, tuple[Replica, str]]
    alone: bool


def relayed(catalog: Catalog, model: str, wishes: Wishes) -> Relayed:
    """Find them in the catalog."""
    found = catalog.find(model)
    places = [place for place in found.places if _may_serve(place, wishes)] if found is not None else []
    ready = [(replica, place.cluster) for place in places for replica in place.replicas]
    there = {
        replica.id: (dataclasses.replace(replica, model=replica.model or model), cluster)
        for replica, cluster in ready
        if replica.path == "relay"
    }
    return Relayed(there, alone=bool(there) and len(there) == len(ready))


def goes_elsewhere(catalog: Catalog, body: bytes, cluster: str) -> bool:
    """Tell whether a row is pinned to another cluster: its model is ``model@cluster``."""
    try:
        pinned = catalog.resolve(orjson.loads(body).get("model") or "")[1]
    except ApiError:
        return True
    return pinned not in (None, cluster)


def _may_serve(place: Place, wishes: Wishes) -> bool:
    return not (place.barred or place.cluster in wishes.avoid or excluded(place, wishes))
