"""The replicas of a catalog: where each one runs, how far it is and until when it is kept."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from first_jupyter._answer import WAYS
from first_jupyter._stage import short_name
from first_jupyter._steps import WORDS
from first_jupyter._warm import clock, lease_text

__all__ = ["Lease", "leases"]

Json = dict[str, Any]


@dataclass(frozen=True)
class Lease:
    """One replica.

    Parameters
    ----------
    model, name, cluster, replica
        Of which model, by its id and by its short name; where; and which one.
    node, job
        Where it runs; empty while it waits.
    group, state
        ``warm``, ``on the way`` or its stage; and how far it is.
    kept
        Until when it is kept, and why; empty where that is open.
    path
        How it is reached, where that is not straight on.
    hold
        For how many seconds from now it is kept already, used or not.
    unstoppable
        Why it cannot be stopped from here; empty where it can.
    """

    model: str
    name: str
    cluster: str
    replica: str
    node: str
    job: str
    group: str
    state: str
    kept: str
    path: str
    hold: float
    unstoppable: str

    @property
    def title(self) -> str:
        """Which model, where."""
        return f"{self.name} on {self.cluster}"

    @property
    def text(self) -> str:
        """The rest, in one line."""
        where = ", ".join(filter(None, [self.node, f"job {self.job}" if self.job else ""]))
        return " · ".join(filter(None, [self.state, self.kept, where, self.path]))


def leases(catalog: Json, now: float | None = None) -> list[Lease]:
    """List the replicas of a catalog, `now` in seconds since the epoch."""
    now = time.time() if now is None else now
    return [
        _lease(model, place, lease, now)
        for model in catalog["models"]
        for place in model["clusters"]
        for lease in place.get("leases") or []
    ]


def _lease(model: Json, place: Json, lease: Json, now: float) -> Lease:
    stage: str = lease["stage"]
    since, ends = lease.get("since"), lease.get("job_ends")
    state = WORDS.get(stage, stage)
    if stage in WORDS and since:
        state = f"{state}, asked for at {clock(since, now)}"
    kept = lease_text(lease, now) if stage == "ready" else ""
    if ends and "job" not in kept:
        kept = ", ".join(filter(None, [kept, f"its job ends at {clock(ends, now)}"]))
    return Lease(
        model=model["id"],
        name=short_name(model),
        cluster=place["cluster"],
        replica=lease["replica"],
        node=lease.get("node") or "",
        job=lease.get("job") or "",
        group="warm" if stage == "ready" else "on the way" if stage in WORDS else stage,
        state=state,
        kept=kept,
        path=WAYS.get(lease.get("path") or "", ""),
        hold=max((lease.get("held_until") or 0.0) - now, 0.0),
        unstoppable=place.get("unstoppable") or "",
    )
