"""The federations that are simulated: how large, how fast and how far they are, and what befalls them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from .clusters import Cluster, Fleet
from .costs import Costs

if TYPE_CHECKING:
    from .events import Clock
    from .plane import Plane

__all__ = ["World", "befall", "build"]


HANGS = 30.0
"""Seconds for which a cluster hangs."""


@dataclass(frozen=True, slots=True)
class World:
    """A federation.

    Parameters
    ----------
    replicas
        How many there may be at once.
    clusters
        On how many clusters; the first in the list is the largest, the n-th has an n-th part of it.
    """

    replicas: int
    clusters: int

    def sizes(self) -> list[int]:
        """Return how many nodes each cluster has."""
        shares = [1.0 / rank for rank in range(1, self.clusters + 1)]
        sizes = [max(1, round(self.replicas * share / sum(shares))) for share in shares]
        sizes[0] += self.replicas - sum(sizes)
        return sizes


def build(world: World, clock: Clock, seed: int) -> Fleet:
    """Return its clusters, every third of them with nodes that are twice as fast.

    Weights are read in one to five minutes, and a node is waited for from half a minute to twenty, in the
    median.
    """
    fleet, chance = Fleet(clock, seed), Random(f"{seed} world")
    sizes = world.sizes()
    for number, nodes in enumerate(sizes):
        costs = Costs().faster(2.0) if number % 3 == 1 else Costs()
        cluster = Cluster(
            fleet,
            f"c{number}",
            nodes,
            costs,
            away=chance.uniform(0.005, 0.08),
            waits=30.0 * 40.0 ** chance.random(),
            loads=60.0 * 5.0 ** chance.random(),
        )
        fleet.clusters.append(cluster)
    return fleet


def capacity(fleet: Fleet, prompt: float, output: float, clusters: slice = slice(None)) -> float:
    """Return the requests a second that clusters can answer with all their nodes."""
    return sum(c.nodes * c.costs.rate(prompt, output) for c in fleet.clusters[clusters])


def befall(plane: Plane, length: float, deaths: float) -> None:
    """Have replicas die now and then, and the second cluster hang for half a minute.

    Parameters
    ----------
    length
        Seconds of the whole run.
    deaths
        Seconds between two deaths of one replica, in the mean.
    """
    clock, fleet, chance = plane.clock, plane.fleet, Random(f"{plane.fleet.seed} deaths")
    count = sum(cluster.nodes for cluster in fleet.clusters)

    def die() -> None:
        alive = [server for cluster in fleet.clusters for server in cluster.servers.values()]
        if alive:
            server = chance.choice(alive)
            plane.lose(server)
            server.cluster.start()
        clock.at(clock.now + chance.expovariate(count / deaths), die)

    clock.at(chance.expovariate(count / deaths), die)
    if len(fleet.clusters) > 1:
        clock.at(length * 0.5, fleet.clusters[1].hang, HANGS)
