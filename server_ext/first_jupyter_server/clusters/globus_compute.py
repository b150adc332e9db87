"""The kind ``globus-compute``: models served by a cluster's jobs, started and found by Globus Compute."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Sequence

from first_jupyter_remote.protocol import QueuedJob, ReplicaRecord, Stage

from first_jupyter_server import config
from first_jupyter_server.background import Background
from first_jupyter_server.federation.terms import shares
from first_jupyter_server.paths.relay_answer import Relayed
from first_jupyter_server.usage.held import Held

from .asked import Asked, Order, owner
from .base import Offer, Status
from .globus_endpoint import job
from .globus_executor import GlobusExecutor
from .globus_replicas import GlobusReplicas
from .globus_watch import GlobusWatch
from .queue_words import matched
from .replicas import Served, ended, offer, slug, spec
from .running import Running
from .scalable import Log
from .starts import Starts
from .successors import Successors
from .surroundings import Surroundings
from .ways import Ways

__all__ = ["GlobusComputeCluster"]

KIND = "globus-compute"


class GlobusComputeCluster:
    """Serves models on a cluster behind a Globus Compute endpoint.

    A replica is one long task, the node agent. Its record lies in the home folder on the cluster, where tasks
    of the role ``control`` read it: one task at a time for the whole cluster, which returns as soon as there
    is news. Replicas outlive this server, as long as their leases last; the next one finds them again.

    Parameters
    ----------
    name
        The name in the federation file.
    section
        What stands there.
    executor
        The endpoint.
    here
        What it finds in this server.
    """

    kind, unstoppable = KIND, ""

    def __init__(
        self, name: str, section: config.GlobusComputeCluster, executor: GlobusExecutor, here: Surroundings
    ) -> None:
        self.name = name
        self._models = {model.id: Served(model) for model in section.models}
        self._executor, self._settings = executor, section.user_endpoint_config
        self._changed, self._held, self._log = here.changed, here.held, here.log
        self._nodes = shares(section.models)
        self._asked = Asked(here.folder(name) / "asked.json")
        self._trouble = ""
        self._background = Background(here.log)
        self._starts = Starts(name, here.history, self._background, here.log)
        self._successors = Successors(self._running, self._starts.took, self._succeed)
        self._ways = Ways(section.paths, here.doors, here.rooms, here.relay, Relayed(executor, section.home))
        us = owner(here.folder("owner"))
        self._watch = GlobusWatch(
            executor,
            section.home,
            us,
            needed=lambda: bool(self._running()),
            waiting=self._waiting,
            take=self._merge,
            told=self._tell,
            log=here.log,
        )
        self._replicas = GlobusReplicas(
            executor,
            section.home,
            us,
            asked=self._asked,
            background=self._background,
            ways=self._ways,
            take=self._take,
            reached=self._reached,
            look=self._watch.begin,
            changed=here.changed,
            log=here.log,
        )

    @property
    def status(self) -> Status:
        """What its use has shown; while there is none, nothing is known here."""
        seen = self._executor.seen
        if self._trouble:
            return Status("offline", self._trouble, seen)
        return Status("unknown" if seen is None else "online", seen=seen)

    def offers(self) -> list[Offer]:
        """Return what it serves, and in which state."""
        return [
            offer(
                served,
                served.place(
                    self.name, KIND, self._trouble, self._starts.eta(best), self._starts.steps(best)
                ),
            )
            for served in self._models.values()
            for best in (served.best(),)
        ]

    async def open(self) -> None:
        """Take up again what an earlier server of this data folder asked for."""
        for order in self._asked.orders.values():
            if order.task is not None and (served := self._models.get(order.model)) is not None:
                reason = "it was asked for before this server started; looking for it"
                record = ReplicaRecord(order.replica, order.model, Stage.QUEUED, reason)
                served.running[order.replica] = order.running(record)
        if self._asked.orders:
            self._watch.begin()

    async def start(self, model: str, hold: float | None = None) -> None:
        """Have a replica started, unless one is there or on its way; hold it."""
        there = self._there(model)
        if not there:
            self._launch([name for name in self._together(model) if not self._there(name)], hold)
        for run in there:
            if hold is not None:
                self._replicas.hold(run, hold)
            if self._models[model].config.sleep_after is not None and run.rouse():
                self._replicas.wake(run)
                self._changed()

    async def add(self, model: str, hold: float | None = None) -> None:
        """Have one more replica started, in a job of its own."""
        self._launch([name for name in self._together(model) if name == model or not self._there(name)], hold)

    async def stop(self, model: str) -> None:
        """Drain and end the model's replicas."""
        for replica in list(self._models[model].running):
            await self.end(replica)

    async def end(self, replica: str) -> None:
        """Drain and end one replica."""
        if (run := self._running().get(replica)) is not None:
            run.stopped = True
            self._replicas.end(run)
            self._changed()

    async def keep(self, replica: str, seconds: float) -> None:
        """Keep one replica warm for a while."""
        if (run := self._running().get(replica)) is not None:
            self._replicas.hold(run, seconds)

    def failure(self, model: str) -> Log | None:
        """Return how the model's last replica ended, where it failed."""
        return self._models[model].failure(self.name)

    async def tail(self, replica: str) -> tuple[Sequence[str], str]:
        """Return the last lines of a replica's log as it is now, and the file."""
        return await self._replicas.tail(replica)

    def took(self, model: str) -> Sequence[float]:
        """Return the seconds that earlier starts of a model took."""
        return self._starts.took(model)

    def unreachable(self, replica: str, reason: str) -> None:
        """Take no more requests to a replica that did not take one, and look what has become of it."""
        run = self._running().get(replica)
        if run is not None and run.host is not None:
            self._log.info("Replica %s did not take a request: %s", replica, reason)
            run.host = None
            self._replicas.reach(run)
            self._watch.look_now()
            self._changed()

    async def close(self) -> None:
        """Leave; the replicas stay for the next server, and end by themselves when nobody uses them."""
        self._successors.end()
        await self._watch.end()
        await self._background.cancel()
        await self._executor.close()

    # one replica

    def _there(self, model: str) -> list[Running]:
        """Return the replicas of a model that serve or will."""
        return [run for run in self._models[model].running.values() if run.is_of_use]

    def _together(self, model: str) -> list[str]:
        """Return a model and those that share its node."""
        group = self._models[model].config.together
        others = [name for name, served in self._models.items() if group and served.config.together == group]
        return [model, *(name for name in others if name != model)]

    def _succeed(self, model: str, hold: float | None, follows: Running) -> None:
        self._launch([model], hold, follows)

    def _launch(self, models: Sequence[str], hold: float | None, follows: Running | None = None) -> None:
        """Start a replica of each in one job, be there others or not."""
        parts = []
        for model in models:
            served = self._models[model]
            replica = f"{slug(model)}-{secrets.token_hex(3)}"
            record = ReplicaRecord(replica, model, Stage.QUEUED, "asking the endpoint for it")
            run = Running.wanted(record, minded=True)
            if follows is not None:
                run.follows = follows.record.replica
                self._log.info("Replica %s is asked for, to succeed %s", replica, run.follows)
            served.begin(run)
            parts.append((run, dataclasses.replace(spec(served.config), gpus=served.config.gpus)))
        self._changed()
        self._replicas.serve(
            parts, job(self._settings, [self._models[model].config for model in models]), hold
        )

    def _take(self, run: Running, record: ReplicaRecord) -> None:
        """Take a record."""
        served, before = self._models[run.record.model], run.record
        if served.running.get(before.replica) is not run:
            return
        run.take(record)
        if (span := run.on_nodes) is not None:
            model = served.config.id
            self._held(Held(self.name, record.replica, model, self._nodes[model], *span))
        if record.stage.is_final:
            self._log.info("Replica %s ended: %s", record.replica, record.reason or record.stage)
            self._asked.remove(record.replica)
            self._ways.forget(record.replica)
            served.end(record)
            self._successors.has_ended(run)
        elif record.stage is not Stage.READY:
            run.host = None
        elif run.host is None or (before.port, before.key) != (record.port, record.key):
            run.host = None
            self._ways.expect(record, lambda: self._opened(run))
            self._replicas.reach(run)
        else:
            self._replicas.climb(run)
        self._changed()

    def _opened(self, run: Running) -> None:
        """Take the tunnel to a replica that is not reached otherwise."""
        if run.record.stage is Stage.READY and run.host is None:
            self._replicas.reach(run)

    def _reached(self, run: Running) -> None:
        """Note that a replica takes requests."""
        self._starts.learn(run)
        if (order := self._asked.orders.get(run.record.replica)) is not None and order.ready is None:
            self._asked.add(dataclasses.replace(order, ready=run.ready))
        self._successors.is_there(run)
        self._changed()

    # all of them

    async def _merge(self, records: Sequence[ReplicaRecord], queue: Sequence[QueuedJob]) -> None:
        """Take this server's records, and find out about those that have none yet."""
        ours = {record.replica: record for record in records}
        for name, record in ours.items():
            served = self._models.get(record.model)
            if served is not None and not record.stage.is_final and name not in served.running:
                order = self._asked.orders.get(name, Order(name, record.model))
                served.running[name] = order.running(dataclasses.replace(record, stage=Stage.QUEUED))
                self._asked.add(order)
        for name, run in self._running().items():
            if name in ours:
                self._take(run, ours[name])
            elif words := await self._replicas.last_words(run):
                self._take(run, ended(run.record, Stage.FAILED, words))
        for name in self._asked.orders.keys() - self._running().keys():
            self._asked.remove(name)
        jobs = matched(self._waiting(), queue)
        for name, run in self._running().items():
            run.job = jobs.get(name)
        self._successors.see()
        self._changed()

    def _running(self) -> dict[str, Running]:
        return {name: run for served in self._models.values() for name, run in served.running.items()}

    def _waiting(self) -> list[str]:
        """Name the replicas that have not begun, in the order in which they were asked for."""
        running = self._running()
        return [name for name in self._asked.orders if name in running and not running[name].has_begun]

    def _tell(self, trouble: str) -> None:
        self._trouble = trouble
        self._changed()
