"""How things stand at the moment they are read: load, states, replicas, and our own processes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from first_jupyter_server.federation.catalog import ORDER, Catalog, Counts, Place

from .counted import WHERE

if TYPE_CHECKING:
    from first_jupyter_server.extension import FirstApp

__all__ = ["Now", "Standing", "look"]


@dataclass(frozen=True, slots=True)
class Now:
    """What is known at this moment.

    Parameters
    ----------
    version
        The release of first-jupyter.
    catalog, counts
        Who can serve what, and how many requests run and wait there.
    dataplane_up, dataplane_restarts
        Whether the data plane has a process, and how often another one took a process's place.
    batches
        How many batches are under way.
    """

    version: str
    catalog: Catalog
    counts: Counts
    dataplane_up: bool
    dataplane_restarts: int
    batches: int


def look(first: FirstApp) -> Now:
    """Return how things stand with a Jupyter server."""
    return Now(
        version=first.control.version,
        catalog=first.federation.catalog(),
        counts=first.control.counts,
        dataplane_up=first.dataplane.pid is not None,
        dataplane_restarts=first.dataplane.restarts,
        batches=first.batches_under_way,
    )


class Standing(Collector):
    """Gauges that are made when they are read, so that nothing has to keep them up to date.

    Parameters
    ----------
    look
        Returns how things stand.
    """

    def __init__(self, look: Callable[[], Now]) -> None:
        self._look = look

    def collect(self) -> Iterator[Metric]:
        """Return how things stand."""
        now = self._look()
        yield InfoMetricFamily("first:build", "The release of first-jupyter.", {"version": now.version})
        yield GaugeMetricFamily(
            "first:dataplane_up", "Whether the data plane has a process.", now.dataplane_up
        )
        yield CounterMetricFamily(
            "first:dataplane_restarts",
            "How often another process took the place of the data plane's.",
            now.dataplane_restarts,
        )
        yield GaugeMetricFamily("first:batches_running", "Batches that are under way.", now.batches)
        yield from _of_models(now)


def _of_models(now: Now) -> Iterator[Metric]:
    running = _gauge("num_requests_running", "Requests being answered, rows of batches among them.")
    waiting = _gauge("num_requests_waiting", "Requests held for the model; rows of batches are not counted.")
    states = _gauge("model_state", "The state of a model on a cluster: 1 for the one it is in.", "state")
    replicas = _gauge("replicas", "Replicas by how far they are.", "stage")
    leases = _gauge("leases", "Replicas that somebody holds warm, used or not.")
    for model in now.catalog.models:
        for place in model.places:
            where = [model.id, place.cluster]
            run, wait = now.counts.get((model.id, place.cluster), (0, 0))
            running.add_metric(where, run)
            waiting.add_metric(where, wait)
            for state in ORDER:
                states.add_metric([*where, state], state == place.state)
            for stage, number in _stages(place).items():
                replicas.add_metric([*where, stage], number)
            leases.add_metric(where, _held(place))
    yield from (running, waiting, states, replicas, leases)


def _gauge(name: str, text: str, *more: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"first:{name}", text, labels=[*WHERE, *more])


def _stages(place: Place) -> Counter[str]:
    """Return how many replicas are in each stage; ready ones also where there is none."""
    stages = Counter(lease.stage for lease in place.leases)
    stages["ready"] = stages["ready"] if place.leases else len(place.replicas)
    return stages


def _held(place: Place) -> int:
    now = time.time()
    return sum(lease.held_until is not None and lease.held_until > now for lease in place.leases)
