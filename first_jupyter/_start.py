"""One start as it goes by: how far it is, and how it ended."""

from __future__ import annotations

from typing import Any

from first_jupyter._stage import eta_text, find_model, nearest_cluster, short_name, span_text, state_text
from first_jupyter._steps import Step, steps

__all__ = ["Start"]

Json = dict[str, Any]

UNDER_WAY = ("starting", "queued")


class Start:
    """What catalogs tell of one start, by a clock that is read elsewhere.

    Parameters
    ----------
    name
        The model as it was asked for, perhaps with ``@cluster``.
    cluster
        Where it starts; nothing leaves that open.
    """

    def __init__(self, name: str, cluster: str = "") -> None:
        self._name, self._cluster = name, cluster
        self._model: Json = {}
        self._place: Json = {}
        self._at = self._began = 0.0
        self._stages: list[Json] = []
        self.end = ""

    def see(self, catalog: Json, now: float) -> None:
        """Take a catalog in; `now` in seconds since the epoch."""
        model, pinned = find_model(catalog, self._name)
        if model is None:
            return
        before, seen = self.is_under_way, self._at
        self._model, self._at = model, now
        self._place = self._followed(model, self._cluster or pinned)
        if self.is_under_way:
            self._stages = self._place.get("stages") or []
            if not before:
                self._began, self.end = self._asked_at(now), ""
        elif before:
            self._stages = self._gone_through(now - seen) if self.is_hot else []
            self.end = self._ended(span_text(now - self._began))
        elif self.is_hot and not self.end.startswith("hot"):
            self.end = ""

    @property
    def model(self) -> str:
        """The model's id; empty while no catalog has it."""
        return str(self._model.get("id", ""))

    @property
    def place(self) -> Json:
        """The cluster's entry, where it starts or will start soonest."""
        return self._place

    @property
    def title(self) -> str:
        """Which model, where."""
        return f"{short_name(self._model)} on {self._place['cluster']}" if self._place else ""

    @property
    def is_under_way(self) -> bool:
        """Whether it goes on."""
        return self._place.get("state") in UNDER_WAY

    @property
    def is_hot(self) -> bool:
        """Whether there is nothing to wait for."""
        return self._place.get("state") == "hot"

    @property
    def stage(self) -> str:
        """What happens, without figures: it changes when there is news."""
        bare = self._place | {"progress": None, "eta": None}
        return f"{self.title}: {self.end or state_text(bare)}" if self._place else "no cluster serves it"

    def steps(self, now: float) -> list[Step]:
        """Tell the stages."""
        return steps(self._stages, now - self._at if self.is_under_way else 0.0)

    def left(self, now: float) -> str:
        """Say how long it will take."""
        eta = self._place.get("eta")
        return eta_text(eta - (now - self._at)) if self.is_under_way and eta is not None else ""

    def share(self, now: float) -> float | None:
        """Tell how much of it is done, 0 to 1, by its time or else its progress; None where unknown."""
        eta: float | None = self._place.get("eta")
        if not self.is_under_way:
            return None
        if eta is None:
            progress: float | None = self._place.get("progress")
            return progress
        return (now - self._began) / max(now - self._began, self._at - self._began + eta, 0.1)

    def _followed(self, model: Json, pinned: str) -> Json:
        """Stay where it started, as long as it is under way nowhere else."""
        nearest = nearest_cluster(model, pinned) or {}
        here = next((p for p in model["clusters"] if p["cluster"] == self._place.get("cluster")), nearest)
        if here.get("state") in UNDER_WAY or nearest.get("state") not in (*UNDER_WAY, "hot"):
            return here
        return nearest

    def _gone_through(self, elapsed: float) -> list[Json]:
        done = [stage for stage in self._stages if stage["state"] == "done"]
        last = [stage for stage in self._stages if stage["state"] == "now"]
        return done + [
            stage | {"state": "done", "seconds": (stage.get("seconds") or 0.0) + elapsed} for stage in last
        ]

    def _asked_at(self, now: float) -> float:
        asked: list[float] = [lease["since"] for lease in self._place.get("leases", []) if lease.get("since")]
        return min([now, *asked])

    def _ended(self, span: str) -> str:
        state, reason = self._place["state"], self._place.get("reason") or ""
        if state == "hot":
            return f"hot after {span}"
        word = "failed" if state == "offline" else "stopped"
        return f"{word} after {span}: {reason}" if reason else f"{word} after {span}"
