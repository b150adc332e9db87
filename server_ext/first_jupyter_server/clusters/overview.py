"""The clusters as people see them: at once, from memory, and whose state or path has changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from first_jupyter_server.federation.catalog import Catalog
from first_jupyter_server.federation.federation import Federation

from .base import Cluster, Status

__all__ = ["Overview"]

Json = dict[str, Any]

PATHS = ("direct", "tunnel", "rendezvous", "relay")


class Overview:
    """What is known of each cluster.

    Parameters
    ----------
    federation
        The clusters.
    endpoints
        Returns the endpoint of each that has one, by its name.
    trouble
        Returns why Globus Compute cannot be asked for them now, if so.
    """

    def __init__(
        self,
        federation: Federation,
        endpoints: Callable[[], Mapping[str, str]],
        trouble: Callable[[], str | None],
    ) -> None:
        self._federation, self._endpoints, self._trouble = federation, endpoints, trouble
        self._asked: dict[str, tuple[float, Status]] = {}
        self._told: dict[str, Json] = {}

    def learn(self, found: Mapping[str, Status]) -> None:
        """Take what Globus Compute said of endpoints, by their ids."""
        now = time.time()
        for endpoint, status in found.items():
            seen = None if status.state == "unknown" else now
            self._asked[endpoint] = now, replace(status, seen=seen)

    def entries(self) -> list[Json]:
        """Return what ``GET /first/api/clusters`` tells."""
        return self._entries(self._federation.catalog())

    def news(self, catalog: Catalog) -> Iterator[Json]:
        """Return the entries that have changed since the last time, but for when they were seen."""
        for entry in self._entries(catalog):
            lasting = {**entry, "seen": None}
            if self._told.get(entry["cluster"]) != lasting:
                self._told[entry["cluster"]] = lasting
                yield entry

    def _entries(self, catalog: Catalog) -> list[Json]:
        endpoints = self._endpoints()
        models: dict[str, list[str]] = {}
        paths: dict[str, set[str]] = {}
        for model in catalog.models:
            for place in model.places:
                models.setdefault(place.cluster, []).append(model.id)
                paths.setdefault(place.cluster, set()).update(replica.path for replica in place.replicas)
        told = []
        for each in self._federation.clusters:
            status = self._status(each, endpoints.get(each.name))
            told.append(
                {
                    "cluster": each.name,
                    "kind": each.kind,
                    "endpoint": endpoints.get(each.name),
                    "state": status.state,
                    "reason": status.reason,
                    "models": models.get(each.name, []),
                    "paths": sorted(paths.get(each.name, ()), key=PATHS.index),
                    "seen": status.seen,
                }
            )
        return told

    def _status(self, cluster: Cluster, endpoint: str | None) -> Status:
        """Return the newer one of what the cluster's use has shown, and of what Globus Compute said."""
        own = cluster.status
        if endpoint is None or own.reason:
            return own
        at, asked = self._asked.get(endpoint, (0.0, Status("unknown", self._trouble() or "")))
        return own if own.seen is not None and own.seen >= at else asked
