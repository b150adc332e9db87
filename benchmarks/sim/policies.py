"""The policies that ours is compared with, each as its source or its documentation tells it."""

from __future__ import annotations

import heapq
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .clusters import Cluster, Fleet
    from .server import Job, Server

__all__ = ["CacheAware", "First", "LeastLoaded", "RoundRobin"]

NOTICES = 30.0
"""Seconds after which a health check has taken a hanging replica out; kinder than usual defaults."""


class Flat:
    """All ready replicas of all clusters in one list, as a router before them has it."""

    on_loss = "fails"

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.servers: list[Server] = []

    def line(self, job: Job | None, server: Server | None) -> str:
        """Return the one line."""
        return ""

    def took(self, job: Job, server: Server) -> None:
        """Count nothing: a replica's own load is known."""

    def began(self, job: Job, server: Server) -> None:
        """Learn nothing."""

    def ended(self, job: Job, server: Server) -> None:
        """Learn nothing."""

    def lost(self, job: Job, server: Server) -> None:
        """Learn nothing."""

    def gave_up(self, job: Job, server: Server) -> None:
        """Learn nothing."""

    def joined(self, server: Server) -> None:
        """Add a replica."""
        self.servers.append(server)

    def gone(self, server: Server) -> None:
        """Remove a replica."""
        if server in self.servers:
            self.servers.remove(server)

    def hangs(self, server: Server) -> None:
        """Wait for the next health check."""

    def healthy(self, server: Server) -> bool:
        """Whether a replica is in the rotation."""
        return not out(server.cluster, self.fleet.clock.now, NOTICES)


def out(cluster: Cluster, now: float, notices: float) -> bool:
    """Whether a hanging cluster has been noticed."""
    return cluster.hangs_until > now and now - cluster.hung_at > notices


class RoundRobin(Flat):
    """One replica after the other."""

    name = "round robin"

    def __init__(self, fleet: Fleet) -> None:
        super().__init__(fleet)
        self._next = 0

    def choose(self, job: Job) -> Server | None:
        """Return the next one."""
        for _ in range(len(self.servers)):
            self._next = (self._next + 1) % len(self.servers)
            if self.healthy(self.servers[self._next]):
                return self.servers[self._next]
        return None


class LeastLoaded(Flat):
    """The one that answers the fewest requests; of several, the one that had the fewest for longest."""

    name = "least loaded"

    def __init__(self, fleet: Fleet) -> None:
        super().__init__(fleet)
        self._by_load: list[dict[Server, None]] = [{}]
        self._known: dict[Server, int] = {}

    def choose(self, job: Job) -> Server | None:
        """Return it."""
        for servers in self._by_load:
            for server in servers:
                if self.healthy(server):
                    return server
        return None

    def took(self, job: Job, server: Server) -> None:
        """Count a request in."""
        self._count(server, 1)

    def ended(self, job: Job, server: Server) -> None:
        """Count a request out."""
        self._count(server, -1)

    lost = gave_up = ended

    def joined(self, server: Server) -> None:
        """Add a replica."""
        super().joined(server)
        self._known[server] = 0
        self._by_load[0][server] = None

    def gone(self, server: Server) -> None:
        """Remove a replica."""
        super().gone(server)
        if (load := self._known.pop(server, None)) is not None:
            self._by_load[load].pop(server)

    def most(self) -> int:
        """Return the load of the busiest."""
        while len(self._by_load) > 1 and not self._by_load[-1]:
            self._by_load.pop()
        return len(self._by_load) - 1

    def least(self) -> int:
        """Return the load of the idlest."""
        return next((load for load, servers in enumerate(self._by_load) if servers), 0)

    def _count(self, server: Server, more: int) -> None:
        if (load := self._known.get(server)) is None:
            return
        self._by_load[load].pop(server)
        self._known[server] = load + more
        if load + more == len(self._by_load):
            self._by_load.append({})
        self._by_load[load + more][server] = None


class CacheAware(LeastLoaded):
    """vllm-router's ``cache_aware`` with its defaults: 0.3, 64 and 1.5.

    The replica whose earlier requests share the longest prefix gets the request where that is more than the
    threshold of it; else the replica with the smallest record of earlier requests; and the least loaded one
    where the busiest has more than 64 requests over the idlest and more than 1.5 times as many
    (https://docs.gpustack.ai/gpustack-operator/main/docs/modules/model-deployment/routing/).
    """

    name = "cache-aware"
    threshold, more_than, times = 0.3, 64, 1.5

    def __init__(self, fleet: Fleet) -> None:
        super().__init__(fleet)
        self._record: dict[Server, float] = {}
        self._smallest: list[tuple[float, int, Server]] = []
        self._where: dict[int, tuple[Server, float]] = {}

    def choose(self, job: Job) -> Server | None:
        """Return it."""
        most, least = self.most(), self.least()
        if most - least > self.more_than and most > self.times * least:
            return super().choose(job)
        server, known = self._where.get(job.conversation, (None, 0.0))
        if server in self._known and known > self.threshold * job.prompt and self.healthy(server):
            return server
        while self._smallest:
            size, order, server = self._smallest[0]
            if server not in self._known:
                heapq.heappop(self._smallest)
            elif size < self._record[server]:
                heapq.heapreplace(self._smallest, (self._record[server], order, server))
            elif self.healthy(server):
                return server
            else:
                break
        return super().choose(job)

    def took(self, job: Job, server: Server) -> None:
        """Enter a request into the replica's record."""
        super().took(job, server)
        before, known = self._where.get(job.conversation, (None, 0.0))
        self._record[server] = self._record.get(server, 0.0) + job.prompt - (known if before is server else 0)
        self._where[job.conversation] = server, job.prompt

    def joined(self, server: Server) -> None:
        """Begin a record."""
        super().joined(server)
        self._record[server] = 0.0
        heapq.heappush(self._smallest, (0.0, len(self._record), server))


class First:
    """FIRST's federated route, as it was in its code: running, then queued, then free nodes, then the first.

    Within a class the first cluster in the list wins. Globus Compute then gives the task to any node with a
    free worker and keeps the others in the endpoint's line; what a lost node was doing is run again. It
    notices that an endpoint hangs by its missing heartbeats, and remembers its status for 60 s.

    In its favour: a node has as many workers as the server has slots, where its configurations have 100;
    ``starting`` counts as running; the fixed seconds that its path costs are left out; tokens stream.
    """

    name = "FIRST's"
    on_loss = "again"
    notices = 180.0

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self._of: dict[Job, Cluster] = {}
        self._chance = Random(f"{fleet.seed} nodes")

    def choose(self, job: Job) -> Server | None:
        """Return a node with a free worker on the cluster that the request went to."""
        cluster = self._of.get(job)
        if cluster is None:
            cluster = self._of[job] = self._cluster()
        if not cluster.count:
            cluster.start()
        free = [server for server in cluster.servers.values() if server.load < server.slots]
        return self._chance.choice(free) if free else None

    def _cluster(self) -> Cluster:
        now, clusters = self.fleet.clock.now, self.fleet.clusters
        online = [cluster for cluster in clusters if not out(cluster, now, self.notices)] or clusters
        for fits in (lambda c: c.servers, lambda c: c.starting, lambda c: c.nodes > 0):
            for cluster in online:
                if fits(cluster):
                    return cluster
        return online[0]

    def line(self, job: Job | None, server: Server | None) -> str:
        """Return the endpoint's line."""
        return self._of[job].name if job is not None else server.cluster.name

    def took(self, job: Job, server: Server) -> None:
        """Count nothing: the endpoint knows its nodes."""

    def began(self, job: Job, server: Server) -> None:
        """Learn nothing."""

    def ended(self, job: Job, server: Server) -> None:
        """Learn nothing."""

    def lost(self, job: Job, server: Server) -> None:
        """Learn nothing."""

    def gave_up(self, job: Job, server: Server) -> None:
        """Learn nothing."""

    def joined(self, server: Server) -> None:
        """Learn nothing."""

    def gone(self, server: Server) -> None:
        """Learn nothing."""

    def hangs(self, server: Server) -> None:
        """Wait for the heartbeats to be missed."""
