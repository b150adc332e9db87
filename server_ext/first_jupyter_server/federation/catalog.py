"""The catalog: who can serve which model, in which state; plain values that cross a pipe."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from first_jupyter_server.errors import ApiError

__all__ = ["ORDER", "Catalog", "Counts", "Lease", "Model", "Place", "Replica", "State", "barred"]

Counts = Mapping[tuple[str, str], tuple[int, int]]
"""Requests running and waiting, by model and cluster."""


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
    """

    replica: str
    stage: str
    node: str | None = None
    job: str | None = None
    held_until: float | None = None
    expires: float | None = None
    job_ends: float | None = None
    follows: str | None = None


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

    def public(self, running: int = 0, waiting: int = 0) -> dict[str, Any]:
        """Return what the control API shows: no address, no key."""
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
            "abilities": list(self.abilities),
            "context": self.context,
            "seen": self.seen,
            "barred": self.barred,
        }


@dataclass(frozen=True, slots=True)
class Model:
    """One model and the places that serve it."""

    id: str
    aliases: tuple[str, ...] = ()
    abilities: tuple[str, ...] = ("chat", "completions")
    context: int | None = None
    places: tuple[Place, ...] = ()

    def public(self, counts: Counts) -> dict[str, Any]:
        """Return what the control API shows."""
        return {
            "id": self.id,
            "aliases": list(self.aliases),
            "abilities": list(self.abilities),
            "context": self.context,
            "clusters": [
                place.public(*counts.get((self.id, place.cluster), (0, 0))) for place in self.places
            ],
        }


@dataclass(frozen=True, slots=True)
class Catalog:
    """All models, the current choice, and what is wrong with the federation file."""

    models: tuple[Model, ...] = ()
    current: str | None = None
    problems: tuple[str, ...] = ()

    def resolve(self, name: str) -> tuple[Model, str | None]:
        """Find what a request's ``model`` means.

        Parameters
        ----------
        name
            An id, an alias, ``model@cluster``, or nothing or ``default`` for the current choice.

        Returns
        -------
        tuple
            The model, and the cluster that it is pinned to, if it is.

        Raises
        ------
        ApiError
            404 with the nearest names where there is no such model or cluster.
        """
        if name in ("", "default"):
            if self.current is None:
                raise self._unknown("default")
            name = self.current
        if (model := self.find(name)) is not None:
            return model, None
        base, at, cluster = name.rpartition("@")
        if at and (model := self.find(base)) is not None:
            clusters = [place.cluster for place in model.places]
            if cluster in clusters:
                return model, cluster
            message = f"{model.id} is not on a cluster named {cluster!r}; it is on: {', '.join(clusters)}."
            raise ApiError(404, message, code="model_not_found", param="model")
        raise self._unknown(name)

    def find(self, name: str) -> Model | None:
        """Return the model with this id, else the one with this alias, whatever the case of its letters."""
        for model in self.models:
            if name == model.id:
                return model
        lower = name.lower()
        for model in self.models:
            if lower == model.id.lower():
                return model
        for model in self.models:
            if any(lower == alias.lower() for alias in model.aliases):
                return model
        return None

    def _unknown(self, name: str) -> ApiError:
        names = [known for model in self.models for known in (model.id, *model.aliases)]
        folded = {known.lower(): known for known in names}
        near = [folded[match] for match in difflib.get_close_matches(name.lower(), folded, n=3, cutoff=0.4)]
        if near:
            hint = f"Did you mean {' or '.join(near)}?"
        elif self.models:
            hint = f"There are: {', '.join(model.id for model in self.models)}."
        else:
            hint = "No model is configured."
        if self.problems:
            hint += f" The federation file has a problem: {self.problems[0]}"
        return ApiError(
            404, f"There is no model named {name!r}. {hint}", code="model_not_found", param="model"
        )

    def public(self, counts: Counts | None = None) -> dict[str, Any]:
        """Return what ``GET /first/api/models`` answers."""
        return {"current": self.current, "models": [model.public(counts or {}) for model in self.models]}

    def to_json(self) -> dict[str, Any]:
        """Return all of it, keys included, for the private pipe."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Catalog:
        """Build one from ``to_json``'s answer."""
        models = []
        for model in data["models"]:
            places = tuple(
                Place(
                    **{
                        **place,
                        "state": State(place["state"]),
                        "replicas": tuple(Replica(**replica) for replica in place["replicas"]),
                        "leases": tuple(Lease(**lease) for lease in place["leases"]),
                        "abilities": tuple(place["abilities"]),
                    }
                )
                for place in model["places"]
            )
            fields = {
                "aliases": tuple(model["aliases"]),
                "abilities": tuple(model["abilities"]),
                "places": places,
            }
            models.append(Model(**{**model, **fields}))
        return cls(models=tuple(models), current=data["current"], problems=tuple(data["problems"]))


def barred(model: Model, places: Sequence[Place]) -> ApiError:
    """Return the error for a model that may be used at none of these places."""
    why = "; ".join(dict.fromkeys(f"on {place.cluster}: {place.reason}" for place in places))
    message = f"{model.id} may not be used here: {why}. Ask who looks after that file."
    return ApiError(403, message, kind="permission_error", code="model_not_allowed", param="model")
