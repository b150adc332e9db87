"""Clusters with nodes that have to be waited for, and replicas that begin, end, die and hang."""

from __future__ import annotations

import statistics
from collections import deque
from random import Random
from typing import TYPE_CHECKING, Any

from first_jupyter_server.federation.catalog import Model, Place, Replica, State
from first_jupyter_server.federation.history import estimate

from .server import Server

if TYPE_CHECKING:
    from .costs import Costs
    from .events import Clock

__all__ = ["MODEL", "Cluster", "Fleet"]

MODEL = "meta-llama/Llama-3.3-70B-Instruct"
KIND = "globus-compute"
REMEMBERED = 5
"""Starts that the product learns from."""


class Starting:
    """A replica that is not ready yet."""

    __slots__ = ("asked", "begun", "loads", "name", "unwanted")

    def __init__(self, name: str, asked: float) -> None:
        self.name, self.asked = name, asked
        self.begun: float | None = None
        self.unwanted = False
        self.loads = 0.0


class Cluster:
    """One cluster.

    Parameters
    ----------
    fleet
        All of them.
    name
        Its name.
    nodes
        How many nodes can be had, one for each replica.
    costs
        What a replica takes there.
    away
        Seconds to it and back.
    waits
        The median wait for a node in seconds; waits are log-normal, 5 % of them longer than five times that.
    loads
        Seconds from the job's start until the replica is ready, in the median.
    """

    def __init__(
        self, fleet: Fleet, name: str, nodes: int, costs: Costs, *, away: float, waits: float, loads: float
    ) -> None:
        self.fleet, self.name, self.nodes, self.costs, self.away = fleet, name, nodes, costs, away
        self.waits, self.loads = waits, loads
        self._chance = Random(f"{fleet.seed} {name}")
        self.servers: dict[str, Server] = {}
        self.starting: dict[str, Starting] = {}
        self.began: dict[str, float] = {}
        self.draining: set[str] = set()
        self.node_seconds = 0.0
        self.hangs_until = self.hung_at = -1.0
        self._took: deque[tuple[float, float]] = deque(maxlen=REMEMBERED)
        self._numbers = 0
        self._place: Place | None = None

    @property
    def count(self) -> int:
        """Replicas that are there or on their way."""
        return len(self.servers) + len(self.starting)

    def start(self, *, ready: bool = False) -> None:
        """Have one more replica; at once where the simulation begins with it."""
        self._numbers += 1
        one = Starting(f"{self.name}-{self._numbers}", self.fleet.clock.now)
        if ready:
            self._ready(one)
            return
        self.starting[one.name] = one
        one.loads = self.loads * self._chance.lognormvariate(0.0, 0.3)
        waits = self.waits * self._chance.lognormvariate(0.0, 0.98)
        self.fleet.clock.at(one.asked + waits, self._begin, one)
        self._news()

    def _begin(self, one: Starting) -> None:
        if one.unwanted:
            return
        now = self.fleet.clock.now
        one.begun = self.began[one.name] = now
        self.fleet.clock.at(now + one.loads, self._ready, one)
        self._news()

    def _ready(self, one: Starting) -> None:
        if one.unwanted:
            return
        now, fleet = self.fleet.clock.now, self.fleet
        self.began.setdefault(one.name, now)
        if self.starting.pop(one.name, None) is not None and one.begun is not None:
            self._took.append((now - one.asked, now - one.begun))
        server = Server(fleet.clock, one.name, self, self.costs)
        self.servers[one.name] = server
        self._news()
        fleet.joined(server)

    def end(self, name: str) -> None:
        """End a replica: one that is not ready at once, any other when it has answered what it took."""
        if (one := self.starting.pop(name, None)) is not None:
            one.unwanted = True
            self._gives_back(name)
        elif (server := self.servers.pop(name, None)) is not None:
            self.draining.add(name)
            self.fleet.left(server)
            if not server.load:
                self.drained(server)
        self._news()

    def drained(self, server: Server) -> None:
        """Give back the node of a replica that has nothing left to do."""
        if server.name in self.draining:
            self.draining.discard(server.name)
            self._gives_back(server.name)

    def lose(self, server: Server) -> None:
        """Lose a replica with all that it was doing."""
        server.alive = False
        self.servers.pop(server.name, None)
        self._gives_back(server.name)
        self._news()

    def hang(self, seconds: float) -> None:
        """Answer nothing for a while, on any connection."""
        self.hung_at, self.hangs_until = self.fleet.clock.now, self.fleet.clock.now + seconds
        for server in self.servers.values():
            server.hang(seconds)
            self.fleet.plane.policy.hangs(server)

    def _news(self) -> None:
        self._place = self.fleet.known = None

    def _gives_back(self, name: str) -> None:
        began = self.began.pop(name, None)
        if began is not None:
            self.node_seconds += self.fleet.clock.now - began

    def used(self) -> float:
        """Return the node-seconds used until now."""
        return self.node_seconds + sum(self.fleet.clock.now - began for began in self.began.values())

    @property
    def takes(self) -> float | None:
        """The seconds that starts took lately, from the wish on."""
        return statistics.median(took for took, _ in self._took) if self._took else None

    def place(self) -> Place:
        """Return what the product's catalog would say of it."""
        if self._place is None:
            replicas = tuple(
                Replica(server.name, "", 0, slots=server.slots) for server in self.servers.values()
            )
            begun = any(one.begun is not None for one in self.starting.values())
            state = State.HOT if replicas else State.STARTING if begun else State.QUEUED
            if not replicas and not self.starting:
                state = State.COLD
            self._place = Place(self.name, KIND, "vllm", state, replicas=replicas, eta=self._eta(state))
        return self._place

    def _eta(self, state: State) -> float | None:
        """Tell it as the product does, from what earlier starts took."""
        remaining = {"queued": [took for took, _ in self._took], "starting": [load for _, load in self._took]}
        since = [
            one.asked if state is State.QUEUED else one.begun
            for one in self.starting.values()
            if (one.begun is not None) == (state is State.STARTING)
        ]
        known = [at for at in since if at is not None]
        if state not in (State.QUEUED, State.STARTING) or not known:
            return None
        return estimate(remaining, state.value, self.fleet.clock.now - min(known))


class Fleet:
    """All clusters, and what happens on them.

    Parameters
    ----------
    clock
        The simulation's.
    seed
        What all that is drawn follows from: the same waits on a cluster whatever the policy.
    """

    def __init__(self, clock: Clock, seed: int) -> None:
        self.clock, self.seed = clock, seed
        self.clusters: list[Cluster] = []
        self.plane: Any = None
        self.known: Model | None = None

    def model(self) -> Model:
        """Return the model as the product's catalog would have it now."""
        if self.known is None:
            self.known = Model(MODEL, places=tuple(cluster.place() for cluster in self.clusters))
        return self.known

    def named(self, name: str) -> Cluster:
        """Return one of the clusters."""
        return next(cluster for cluster in self.clusters if cluster.name == name)

    def began(self, job: Any) -> None:
        """Pass on that a first token is there."""
        self.plane.began(job)

    def done(self, job: Any, server: Server) -> None:
        """Pass on that an answer is complete."""
        self.plane.done(job, server)
        if not server.load:
            server.cluster.drained(server)

    def joined(self, server: Server) -> None:
        """Pass on that a replica is ready."""
        self.plane.joined(server)

    def left(self, server: Server) -> None:
        """Pass on that a replica takes no more requests."""
        self.plane.left(server)

    def used(self) -> float:
        """Return the node-seconds used until now."""
        return sum(cluster.used() for cluster in self.clusters)
