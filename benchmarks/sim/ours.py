"""Our policy: what the data plane does, without its sockets; all that decides is the product's, unchanged."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from first_jupyter_server.dataplane import liveness
from first_jupyter_server.dataplane.attempt import Attempt
from first_jupyter_server.dataplane.traffic import Traffic
from first_jupyter_server.federation.router import decide
from first_jupyter_server.federation.wishes import Wishes

from .clusters import MODEL

if TYPE_CHECKING:
    from first_jupyter_server.federation.decision import Route

    from .clusters import Fleet
    from .server import Job, Server

__all__ = ["Ours"]

ANYWHERE = Wishes()
NOTICES = liveness.LOOK_EVERY + liveness.SILENT + liveness.ASKED * liveness.WITHIN
"""Seconds until a replica that hangs counts as stopped."""


class Ours:
    """The router, its breaker, its measures and its memory of conversations."""

    name = "ours"
    on_loss = "goes on"

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self._late = 0.0
        self._traffic = Traffic(self._now)
        self._chance = Random(f"{fleet.seed} router")
        self._servers: dict[str, Server] = {}
        self._attempts: dict[Job, Attempt] = {}
        self._route: Route | None = None

    def _now(self) -> float:
        """Return the data plane's time: what a far replica says comes a little later."""
        return self.fleet.clock.now + self._late

    def choose(self, job: Job) -> Server | None:
        """Return whom the router names."""
        now, traffic = self.fleet.clock.now, self._traffic
        decision = decide(
            self.fleet.model(),
            ANYWHERE,
            traffic.measures(MODEL).at(now),
            stays_with=traffic.affinity.find(MODEL, (job.conversation,), now),
            tried=job.tried,
            chance=self._chance,
        )
        if (route := decision.route) is None:
            if decision.start is not None and not any(cluster.count for cluster in self.fleet.clusters):
                self.fleet.named(decision.start.cluster).start()
            return None
        self._route = route
        return self._servers[route.replica.id]

    def line(self, job: Job | None, server: Server | None) -> str:
        """Return the one line."""
        return ""

    def took(self, job: Job, server: Server) -> None:
        """Count a request in."""
        self._attempts[job] = Attempt(self._traffic, MODEL, self._route)
        if server.hangs:
            self.fleet.clock.at(self.fleet.clock.now + NOTICES, self._stopped, server)

    def began(self, job: Job, server: Server) -> None:
        """Learn how soon the first token came."""
        self._late = server.cluster.away
        self._attempts[job].answered()
        self._attempts[job].began((job.conversation,), streamed=True)
        self._late = 0.0

    def ended(self, job: Job, server: Server) -> None:
        """Learn how long the answer took."""
        attempt = self._attempts.pop(job)
        attempt.ended()
        attempt.leave()

    def lost(self, job: Job, server: Server) -> None:
        """Learn that the replica did not answer."""
        attempt = self._attempts.pop(job)
        attempt.failed("it was lost")
        attempt.leave()

    def gave_up(self, job: Job, server: Server) -> None:
        """Learn nothing: the client left."""
        self._attempts.pop(job).leave()

    def joined(self, server: Server) -> None:
        """Know a replica."""
        self._servers[server.name] = server

    def gone(self, server: Server) -> None:
        """Keep it known: requests may still be there."""

    def hangs(self, server: Server) -> None:
        """Notice after a while that a replica has stopped."""
        self.fleet.clock.at(self.fleet.clock.now + NOTICES, self._stopped, server)

    def _stopped(self, server: Server) -> None:
        if server.hangs:
            self.fleet.plane.leave(server)
