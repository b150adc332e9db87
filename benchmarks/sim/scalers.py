"""Who begins and ends replicas in a simulation: the product's scaler, or what FIRST's endpoints do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from first_jupyter_server.federation import tuning
from first_jupyter_server.federation.demand import Demand, follow
from first_jupyter_server.federation.scaling import Site, Unit, scale

from .clusters import MODEL

if TYPE_CHECKING:
    from .clusters import Cluster
    from .plane import Plane

__all__ = ["Parsl", "Scaler"]

LOOKS = 5.0
"""Seconds between two looks, of both."""


class Scaler:
    """The product's: one decision over all clusters, one replica kept warm on the first."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._demand = Demand()
        self._look()

    def _look(self) -> None:
        plane = self._plane
        now, clusters = plane.clock.now, plane.fleet.clusters
        self._demand = follow(self._demand, plane.in_flight, now)
        by_name = {cluster.name: cluster for cluster in clusters}
        sites = [self._site(cluster, 1 if cluster is clusters[0] else 0) for cluster in clusters]
        for change in scale(MODEL, sites, self._demand):
            if change.replica is None:
                by_name[change.cluster].start()
            else:
                by_name[change.cluster].end(change.replica)
        plane.clock.at(now + LOOKS, self._look)

    def _site(self, cluster: Cluster, least: int) -> Site:
        units = [Unit(server.name, running=server.load) for server in cluster.servers.values()]
        units += [Unit(name, ready=False) for name in cluster.starting]
        takes = cluster.takes
        return Site(
            cluster.name,
            tuple(units),
            least=least,
            most=cluster.nodes,
            slots=cluster.costs.slots,
            takes=tuning.READY["globus-compute", "cold"] if takes is None else takes,
        )


class Parsl:
    """FIRST's: each endpoint has one more block where its tasks outnumber its workers, and ends idle ones.

    That is Parsl's strategy ``simple`` with the ``max_idletime`` of ALCF's hot nodes, two hours; it ends
    blocks only where nothing runs at all.
    """

    idle = 7200.0

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._idle_since: dict[Cluster, float] = {}
        self._look()

    def _look(self) -> None:
        plane = self._plane
        now = plane.clock.now
        for cluster in plane.fleet.clusters:
            tasks = len(plane.lines.get(cluster.name, ())) + sum(s.load for s in cluster.servers.values())
            if tasks:
                self._idle_since.pop(cluster, None)
                missing = -(-tasks // cluster.costs.slots) - cluster.count
                for _ in range(min(missing, cluster.nodes - cluster.count)):
                    cluster.start()
            elif now - self._idle_since.setdefault(cluster, now) > self.idle:
                for name in [*cluster.servers, *cluster.starting]:
                    cluster.end(name)
        plane.clock.at(now + LOOKS, self._look)
