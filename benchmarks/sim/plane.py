"""What stands between clients and replicas, whatever the policy: lines, losses, and what is counted."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .clusters import Fleet
    from .events import Clock
    from .server import Job, Server

__all__ = ["GIVES_UP", "Plane", "Policy"]

GIVES_UP = 300.0
"""Seconds after which a client that has not seen a token has left; FIRST's own limit for a request."""

SAMPLED = 37
"""Every so many requests one choice's time is taken."""


class Policy(Protocol):
    """Who is asked, and what follows from it."""

    name: str
    fleet: Fleet
    on_loss: str
    """What becomes of an answer whose replica is lost: ``fails``, ``goes on``, or is made ``again``."""

    def choose(self, job: Job) -> Server | None:
        """Return who gets a request; None where it waits in line."""

    def line(self, job: Job | None, server: Server | None) -> str:
        """Name the line that a request waits in, or that a replica is served from."""

    def took(self, job: Job, server: Server) -> None:
        """Take note that a request was sent."""

    def began(self, job: Job, server: Server) -> None:
        """Take note that a first token came."""

    def ended(self, job: Job, server: Server) -> None:
        """Take note that an answer is complete."""

    def lost(self, job: Job, server: Server) -> None:
        """Take note that a replica was lost, or left, with a request in its hands."""

    def gave_up(self, job: Job, server: Server) -> None:
        """Take note that the client left."""

    def joined(self, server: Server) -> None:
        """Take note that a replica is ready."""

    def gone(self, server: Server) -> None:
        """Take note that a replica takes no more."""

    def hangs(self, server: Server) -> None:
        """Take note that a replica does nothing any more; whoever is like ours learns it a little later."""


class Plane:
    """Sends requests where a policy says, and keeps what came of it.

    Parameters
    ----------
    since
        The moment from which requests are counted; before it the fleet warms up.
    """

    def __init__(self, clock: Clock, fleet: Fleet, policy: Policy, since: float) -> None:
        self.clock, self.fleet, self.policy, self.since = clock, fleet, policy, since
        self.lines: dict[str, deque[Job]] = {}
        self.firsts: list[float] = []
        self.never = self.cut = self.seams = 0
        self.tokens = 0.0
        self.deciding: list[float] = []
        self._sent = 0
        fleet.plane = self

    @property
    def in_flight(self) -> int:
        """Requests that are answered or wait."""
        return self.waiting + sum(s.load for c in self.fleet.clusters for s in c.servers.values())

    @property
    def waiting(self) -> int:
        """Requests in line."""
        return sum(map(len, self.lines.values()))

    def arrive(self, job: Job) -> None:
        """Take a request of a client."""
        if not self._send(job):
            self.lines.setdefault(self.policy.line(job, None), deque()).append(job)

    def _send(self, job: Job) -> bool:
        self._sent += 1
        if self._sent % SAMPLED:
            server = self.policy.choose(job)
        else:
            begun = time.perf_counter()
            server = self.policy.choose(job)
            self.deciding.append(time.perf_counter() - begun)
        if server is None:
            return False
        job.sent = self.clock.now
        self.policy.took(job, server)
        server.take(job)
        return True

    def began(self, job: Job) -> None:
        """Count a first token, unless its client has left."""
        server = job.server
        if job.first is None:
            first = self.clock.now - job.at + server.cluster.away
            if first > GIVES_UP:
                server.drop(job)
                self.policy.gave_up(job, server)
                self.fails(job)
                return
            job.first = first
            if job.at >= self.since:
                self.firsts.append(first)
        self.policy.began(job, server)

    def done(self, job: Job, server: Server) -> None:
        """Count an answer, and give its slot to the next in line."""
        self.policy.ended(job, server)
        if job.at >= self.since:
            self.tokens += job.written + job.output
        self._serve(server)

    def fails(self, job: Job) -> None:
        """Count a request that came to nothing, or to no end."""
        if job.at >= self.since:
            self.never += job.first is None
            self.cut += job.first is not None

    def joined(self, server: Server) -> None:
        """Have requests in line served by a new replica."""
        self.policy.joined(server)
        self._serve(server)

    def left(self, server: Server) -> None:
        """Pass on that a replica takes no more."""
        self.policy.gone(server)

    def lose(self, server: Server) -> None:
        """Lose a replica in the middle of its work."""
        jobs = list(server.jobs())
        server.cluster.lose(server)
        self.policy.gone(server)
        for job in jobs:
            self._moves(job, server)

    def leave(self, server: Server) -> None:
        """Leave a replica that has stopped, with all requests that it has."""
        for job in server.jobs():
            self._moves(job, server)

    def _moves(self, job: Job, server: Server) -> None:
        """Have a request served elsewhere, as far as the policy can."""
        written = server.drop(job)
        self.policy.lost(job, server)
        if job.first is not None and self.policy.on_loss == "fails":
            self.fails(job)
            return
        if job.first is not None and self.policy.on_loss == "goes on":
            self.seams += job.at >= self.since
            job.prompt, job.output, job.written = (
                job.prompt + written,
                job.output - written,
                job.written + written,
            )
        job.tried = (*job.tried, server.name)
        self.arrive(job)

    def _serve(self, server: Server) -> None:
        line = self.lines.get(self.policy.line(None, server))
        while line:
            job = line[0]
            if job.first is None and self.clock.now - job.at > GIVES_UP:
                line.popleft()
                self.fails(job)
            elif self._send(job):
                line.popleft()
            else:
                return

    def close(self) -> None:
        """Count those that still wait, wherever they do."""
        servers = [server for cluster in self.fleet.clusters for server in cluster.servers.values()]
        waiting = [*(job for line in self.lines.values() for job in line)]
        for job in (*waiting, *(job for server in servers for job in server.jobs())):
            if job.first is None:
                self.fails(job)
