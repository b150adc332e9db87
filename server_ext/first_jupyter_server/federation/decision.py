"""What the router decides, and how it explains itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from .catalog import Place, Replica

__all__ = ["FULL", "Candidate", "Decision", "Record", "Route", "Why"]

FULL = "its replicas have as many requests as they are to get at once"
"""Why a place that could serve has to be waited for."""

_WAYS = {
    "tunnel": ", through a tunnel",
    "rendezvous": ", through a relay",
    "relay": ", through Globus Compute",
}


@dataclass(frozen=True, slots=True)
class Route:
    """The replica that is to serve a request."""

    place: Place
    replica: Replica


class Candidate(NamedTuple):  # a frozen dataclass costs four times as much, and each request makes dozens
    """One place as the router saw it.

    Parameters
    ----------
    place
        The model on its cluster.
    replica
        The one that would serve there; None where none takes requests.
    seconds
        Estimated until the first token; None where nobody can tell.
    out
        Why it is out; empty where it was in.
    cost
        What the choice goes by: those seconds, and those that a crowd there costs everybody in it.
    """

    place: Place
    replica: Replica | None
    seconds: float | None
    out: str = ""
    cost: float | None = None


class Why(StrEnum):
    """What settled a decision."""

    SOONEST = "soonest"
    PREFERRED = "preferred"
    STAYS = "stays"
    START = "start"
    FULL = "full"
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a request goes, or what has to happen before it can.

    Parameters
    ----------
    model
        The model's id.
    route
        Who serves it; None where it has to wait, or cannot be served.
    start
        The place to be started, where the model is ready nowhere that will do.
    candidates
        Every place, in the catalog's order.
    why
        What settled it.
    """

    model: str
    route: Route | None
    start: Place | None
    candidates: tuple[Candidate, ...]
    why: Why

    @property
    def sentence(self) -> str:
        """The decision, for a person."""
        return self.record().sentence

    def record(self) -> Record:
        """Return what is worth keeping: names and numbers, without address or key."""
        rows = tuple(
            [
                (place.cluster, None if replica is None else replica.id, place.state, seconds, out)
                for place, replica, seconds, out, _ in self.candidates
            ]
        )
        place = self.route.place if self.route else self.start
        return Record(
            self.model,
            self.why,
            place.cluster if place else None,
            self.route.replica.id if self.route else None,
            rows,
            self.route.replica.path if self.route else None,
        )


class Record(NamedTuple):
    """A decision as it is remembered: plain values, put into words only when somebody asks.

    Parameters
    ----------
    cluster, replica
        Who was chosen; where the model has to be started, the cluster alone.
    rows
        Cluster, replica, state, seconds and reason of each candidate.
    path
        How bytes travel to who was chosen.
    """

    model: str
    why: Why
    cluster: str | None
    replica: str | None
    rows: tuple[tuple[str, str | None, str, float | None, str], ...]
    path: str | None = None

    @property
    def sentence(self) -> str:
        """The decision, for a person."""
        when = _text(next((row[3] for row in self.rows if row[0] == self.cluster), None))
        way = _WAYS.get(self.path or "", "")
        who = f"{self.model} on {self.cluster} ({self.replica}{way})"
        reasons = "; ".join(f"{row[0]}: {row[4]}" for row in self.rows if row[4])
        match self.why:
            case Why.STAYS:
                return f"{who} has read this conversation before and answers in {when}."
            case Why.PREFERRED:
                return f"{who} is preferred and answers in {when}."
            case Why.SOONEST:
                others = any(not row[4] and row[0] != self.cluster for row in self.rows)
                return f"{who} answers in {when}, {'the soonest' if others else 'the only one that can'}."
            case Why.START:
                return (
                    f"{self.model} is ready nowhere that will do; {self.cluster} will be soonest, in {when}."
                )
            case Why.FULL:
                return f"{self.model} has as many requests as it takes at once; this one waits ({reasons})."
            case Why.NOWHERE:
                return f"No cluster can serve this request with {self.model} now ({reasons})."

    def to_json(self) -> dict[str, Any]:
        """Return it as ``GET /first/api/why`` shows it."""
        keys = ("cluster", "replica", "state", "seconds", "out")
        names = {"cluster": self.cluster, "replica": self.replica, "path": self.path}
        chosen = names if self.replica else None
        return {
            "sentence": self.sentence,
            "chosen": chosen,
            "candidates": [dict(zip(keys, row, strict=True)) for row in self.rows],
        }


def _text(seconds: float | None) -> str:
    if seconds is None:
        return "a time that nobody can tell"
    if seconds < 10:
        return f"about {seconds:.1f} s"
    return f"about {seconds:.0f} s" if seconds < 120 else f"about {seconds / 60:.0f} min"
