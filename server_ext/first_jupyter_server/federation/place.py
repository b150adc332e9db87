"""One model on one cluster: its state, its replicas, their leases and the start that is under way."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Self

__all__ = ["ORDER", "Lease", "Place", "Replica", "State", "Step"]


class State(StrEnum):
    """The state of a model on a cluster, best first."""

    HOT = "hot"
    STARTING = "starting"
    QUEUED = "queued"
    DRAINING = "draining"
    COLD = "cold"
    OFFLINE = "offline"


ORDER = tuple(state.value for state in State)
"""The states, best first."""


@dataclass(frozen=True, slots=True)
class Replica:
    """A running inference server and how to reach it.

    Parameters
    ----------
    id
        Its name, the same as long as it lives; what is measured of it is remembered by it.
    host, port, tls
        Where it listens, and whether it speaks TLS there.
    key
        What its ``Authorization: Bearer`` header has to say.
    path
        How bytes travel to it.
    base
        What its routes begin with: ``chat/completions`` is at ``{base}/chat/completions``.
    model
        What it calls the model, where not by the model's id.
    slots
        Requests that it answers at once, where known.
    """

    id: str
    host: str
    port: int
    key: str | None = field(default=None, repr=False)
    path: str = "direct"
    tls: bool = False
    base: str = "/v1"
    model: str | None = None
    slots: int | None = None

    def __hash__(self) -> int:
        # Replicas are keys on the path of every request; their ids are told apart quickly enough.
        return hash(self.id)


@dataclass(frozen=True, slots=True)
class Lease:
    """How long one replica lives.

    Parameters
    ----------
    replica, stage
        Which one, and how far it is.
    node, job
        Where it runs, and the scheduler's name for its job.
    held_until, expires, job_ends
        Until when somebody holds it warm, when it ends if nobody uses it any more, and when its job's time is
        up; in seconds since the epoch, by this server's clock.
    follows
        The replica that it is to succeed.
    since
        When it was asked for, in seconds since the epoch, where known.
    path
        How bytes travel to it, once it is reached.
    """

    replica: str
    stage: str
    node: str | None = None
    job: str | None = None
    held_until: float | None = None
    expires: float | None = None
    job_ends: float | None = None
    follows: str | None = None
    since: float | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of a start.

    Parameters
    ----------
    stage
        Its name.
    state
        Whether the start has left it, is in it, or has it before it.
    began
        When the start entered it, in seconds since the epoch, where it is in it.
    seconds
        How long the start was in it, where it has left it.
    usual
        How long earlier starts were.
    """

    stage: str
    state: Literal["done", "now", "ahead"]
    began: float | None = None
    seconds: float | None = None
    usual: float | None = None

    def public(self, now: float) -> dict[str, Any]:
        """Return what the control API shows."""
        seconds = self.seconds if self.began is None else max(0.0, now - self.began)
        return {"stage": self.stage, "state": self.state, "seconds": seconds, "usual": self.usual}


@dataclass(frozen=True, slots=True)
class Place:
    """One model on one cluster.

    Parameters
    ----------
    state, reason
        What it does now and why, in a sentence for a person.
    stage, progress, eta
        The stage of the replica that is furthest on, its progress (0 to 1), and the seconds until it is
        hot, where known.
    ended
        When its last replica ended, in seconds since the epoch; a request that waited since before then
        gives up.
    again
        Whether that one ended with its job, its node agent or its lease, and nobody asked for it: then such a
        request has another one started.
    replicas, leases
        Those that take requests, the first to be asked first; and how long each one lives that is there or on
        its way.
    abilities, context
        What it can do here, and the context length in tokens, where known.
    seen
        When the cluster told of itself last, in seconds since the epoch; None where it tells at once.
    barred
        Whether it may not be used here, for the reason that it states.
    startable
        Whether it makes sense to have it started from here.
    unstoppable
        Why it cannot be stopped from here, in a sentence; empty where it can.
    stages
        Those of the start that is under way, in their order.
    """

    cluster: str
    kind: str
    backend: str
    state: State = State.COLD
    reason: str = ""
    stage: str | None = None
    progress: float | None = None
    eta: float | None = None
    ended: float | None = None
    again: bool = False
    replicas: tuple[Replica, ...] = ()
    leases: tuple[Lease, ...] = ()
    abilities: tuple[str, ...] = ()
    context: int | None = None
    seen: float | None = None
    barred: bool = False
    startable: bool = True
    unstoppable: str = ""
    stages: tuple[Step, ...] = ()

    def public(self, running: int = 0, waiting: int = 0) -> dict[str, Any]:
        """Return what the control API shows: no address, no key."""
        now = time.time()
        return {
            "cluster": self.cluster,
            "kind": self.kind,
            "backend": self.backend,
            "state": self.state.value,
            "reason": self.reason,
            "stage": self.stage,
            "progress": self.progress,
            "eta": self.eta,
            "replicas": len(self.replicas),
            "running": running,
            "waiting": waiting,
            "leases": [dataclasses.asdict(lease) for lease in self.leases],
            "stages": [step.public(now) for step in self.stages],
            "startable": self.startable,
            "unstoppable": self.unstoppable,
            "abilities": list(self.abilities),
            "context": self.context,
            "seen": self.seen,
            "barred": self.barred,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Build one from ``dataclasses.asdict``'s answer."""
        fields = {
            "state": State(data["state"]),
            "replicas": tuple(Replica(**replica) for replica in data["replicas"]),
            "leases": tuple(Lease(**lease) for lease in data["leases"]),
            "abilities": tuple(data["abilities"]),
            "stages": tuple(Step(**step) for step in data["stages"]),
        }
        return cls(**{**data, **fields})
