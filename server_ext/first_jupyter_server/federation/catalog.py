"""The catalog: who can serve which model, in which state; plain values that cross a pipe."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from first_jupyter_server.errors import ApiError

from .place import ORDER, Lease, Place, Replica, State, Step

__all__ = [
    "ORDER",
    "Catalog",
    "Counts",
    "Lease",
    "Model",
    "Place",
    "Replica",
    "State",
    "Step",
    "barred",
    "lease_of",
]

Counts = Mapping[tuple[str, str], tuple[int, int]]
"""Requests running and waiting, by model and cluster."""


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
            fields = {
                "aliases": tuple(model["aliases"]),
                "abilities": tuple(model["abilities"]),
                "places": tuple(Place.from_json(place) for place in model["places"]),
            }
            models.append(Model(**{**model, **fields}))
        return cls(models=tuple(models), current=data["current"], problems=tuple(data["problems"]))


def barred(model: Model, places: Sequence[Place]) -> ApiError:
    """Return the error for a model that may be used at none of these places."""
    why = "; ".join(dict.fromkeys(f"on {place.cluster}: {place.reason}" for place in places))
    message = f"{model.id} may not be used here: {why}. Ask who looks after that file."
    return ApiError(403, message, kind="permission_error", code="model_not_allowed", param="model")


def lease_of(model: Model, places: Sequence[Place], replica: str) -> tuple[Place, Lease]:
    """Return a replica's place and lease.

    Raises
    ------
    ApiError
        404 where there is none of that name.
    """
    for place in places:
        for lease in place.leases:
            if lease.replica == replica:
                return place, lease
    message = f"There is no replica {replica} of {model.id}: it has ended, or never was."
    raise ApiError(404, message, code="replica_not_found", param="replica")
