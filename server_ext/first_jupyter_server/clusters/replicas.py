"""What a cluster's replicas make of its models: plain values."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from first_jupyter_remote.protocol import ModelSpec, ReplicaRecord, Stage, Weights

from first_jupyter_server.config import LocalModel
from first_jupyter_server.federation.catalog import Place, Replica, State, Step

from .base import Offer
from .running import Running
from .scalable import Log

__all__ = ["Served", "ended", "offer", "slug", "spec"]

_STATES = {
    Stage.QUEUED: State.QUEUED,
    Stage.FETCHING: State.STARTING,
    Stage.LOADING: State.STARTING,
    Stage.WARMING: State.STARTING,
    Stage.READY: State.HOT,
    Stage.ASLEEP: State.COLD,
    Stage.DRAINING: State.DRAINING,
    Stage.STOPPED: State.COLD,
    Stage.FAILED: State.OFFLINE,
}
M = TypeVar("M", bound=LocalModel)

SOON = 30.0
"""Seconds after a replica's end within which the next one is told to have been started in its place."""

_ON_THEIR_WAY = [Stage.WARMING, Stage.LOADING, Stage.FETCHING, Stage.QUEUED]
_ORDER = [Stage.READY, Stage.ASLEEP, *_ON_THEIR_WAY, Stage.DRAINING]


@dataclass
class Served(Generic[M]):
    """A model and what runs for it."""

    config: M
    running: dict[str, Running] = field(default_factory=dict)
    last: ReplicaRecord | None = None
    ended: float | None = None

    def begin(self, run: Running) -> None:
        """Take a replica that was asked for."""
        last = self.last
        if last is not None and last.again and time.time() - (self.ended or 0.0) < SOON:
            run.instead = last.reason
        self.running[run.record.replica] = run

    def end(self, record: ReplicaRecord) -> None:
        """Take note that a replica has ended; one that somebody stopped is not started again."""
        run = self.running.pop(record.replica, None)
        again = record.again and not (run is not None and run.stopped)
        self.last, self.ended = replace(record, again=again), time.time()

    def place(
        self,
        cluster: str,
        kind: str,
        trouble: str = "",
        eta: float | None = None,
        stages: tuple[Step, ...] = (),
    ) -> Place:
        """Return the state of the model on its cluster.

        Parameters
        ----------
        trouble
            What keeps the cluster from doing anything, if something does.
        eta
            The seconds until it is hot, where known.
        stages
            Those of the start of the replica that is furthest on.
        """
        backend, runs = self.config.backend, list(self.running.values())
        if not runs:
            state = State.OFFLINE if trouble or self._has_failed else State.COLD
            again = self.last is not None and self.last.again
            return Place(
                cluster, kind, backend, state, trouble or self._how_it_ended(), ended=self.ended, again=again
            )
        runs.sort(key=lambda run: (run.stopped, _ORDER.index(run.stage)))
        best = runs[0]
        state = _STATES[best.stage]
        wakes = f"awake about {eta:.0f} s after a request" if state is State.COLD and eta is not None else ""
        return Place(
            cluster=cluster,
            kind=kind,
            backend=backend,
            state=state,
            reason="; ".join(filter(None, (best.reason, wakes, trouble))),
            stage=best.stage.value,
            progress=best.record.progress,
            eta=None if state in (State.HOT, State.DRAINING) else eta,
            ended=best.missed if state is State.COLD else self.ended,
            again=state is State.COLD,
            replicas=self._ready(),
            leases=tuple(run.lease() for run in runs),
            stages=stages,
        )

    def failure(self, cluster: str) -> Log | None:
        """Return how the last replica ended, where it failed."""
        last = self.last
        if last is None or not self._has_failed:
            return None
        told = last.reason, last.log, last.log_file
        return Log(cluster, last.replica, last.node, self.ended or 0.0, *told)

    @property
    def _has_failed(self) -> bool:
        return self.last is not None and self.last.stage is Stage.FAILED

    def _how_it_ended(self) -> str:
        if self.last is None:
            return "it starts with the first request"
        remedy = "start it again" if self._has_failed and self.last.again else ""
        name = next(iter(self.config.aliases), self.config.id)
        log = f"`%first log {name}` shows the end of its log" if self.last.log else ""
        steps = list(filter(None, (remedy, log)))
        reason = self.last.reason.removesuffix(".") if steps else self.last.reason
        return "; ".join(filter(None, (reason, *steps)))

    def _ready(self) -> tuple[Replica, ...]:
        """Return those that take requests; those with a successor last, since their jobs' time is short."""
        followed = {run.follows for run in self.running.values()}
        ready = [run for run in self.running.values() if run.stage is Stage.READY]
        slots = self.config.parallel
        return tuple(
            _replica(run, slots) for run in sorted(ready, key=lambda run: run.record.replica in followed)
        )

    @property
    def context(self) -> int | None:
        """The context length that the replicas state, the last one where none runs that does."""
        running = [run.record.context for run in self.running.values() if run.record.context is not None]
        return min(running, default=self.last.context if self.last is not None else None)

    def best(self) -> Running | None:
        """Return the replica that is furthest on."""
        return min(self.running.values(), key=lambda run: _ORDER.index(run.stage), default=None)


def offer(served: Served[M], place: Place) -> Offer:
    """Return a model as its cluster offers it."""
    config = served.config
    usual = ("embeddings",) if config.embeddings else ("chat", "completions", "responses")
    return Offer(
        id=config.id,
        aliases=tuple(config.aliases),
        abilities=usual if config.abilities is None else tuple(config.abilities),
        context=config.context or served.context,
        place=place,
    )


def spec(model: LocalModel) -> ModelSpec:
    """Put a model of the federation file into the words of the wire."""
    return ModelSpec(
        id=model.id,
        backend=model.backend,
        weights=Weights(**model.weights.model_dump()) if model.weights else Weights(),
        context=model.context,
        parallel=model.parallel,
        embeddings=model.embeddings,
        python=model.python,
        modules=tuple(model.modules),
        args=tuple(model.args),
        env=dict(model.env),
        idle_ttl=model.idle_ttl,
        sleep_after=model.sleep_after,
    )


def ended(record: ReplicaRecord, stage: Stage, reason: str, *, again: bool = False) -> ReplicaRecord:
    """Return a last record."""
    return replace(record, stage=stage, reason=reason, again=again, host=None, port=None, key=None)


def slug(model: str) -> str:
    """Make a name that is short and fit for a file out of a model's id."""
    return re.sub(r"[^a-z0-9]+", "-", model.rsplit("/", 1)[-1].lower()).strip("-")[:40] or "model"


def _replica(run: Running, slots: int | None) -> Replica:
    record = run.record
    # Of a request that is relayed, each word goes into a task: its key is known on the cluster.
    key = None if run.path == "relay" else record.key
    return Replica(record.replica, run.host or "", record.port or 0, key=key, path=run.path, slots=slots)
