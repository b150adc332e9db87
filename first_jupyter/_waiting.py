"""What to say while a model is not hot yet."""

from __future__ import annotations

import time
from typing import Any

from first_jupyter._live import Live
from first_jupyter._stage import find_model, nearest_cluster, short_name, stage_line
from first_jupyter._steps import Notice, steps

__all__ = ["Waiting"]

GRACE = 0.3


class Waiting:
    """How far a model is, for the one who waits for it.

    The server is asked only if the first byte takes its time: a hot model answers before that.

    Parameters
    ----------
    name
        The model as it was asked for.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._live: Live | None = None
        self._latest: tuple[float, dict[str, Any], dict[str, Any]] | None = None
        self._was_cold = False
        self.warmed_at: float | None = None

    def notice(self, waited: float) -> Notice | None:
        """Say how far the model is after `waited` seconds, or nothing if there is nothing to say."""
        if waited < GRACE:
            return None
        if self._live is None:
            self._live = Live(self._store)
        if self._latest is None:
            return None
        at, model, place = self._latest
        if place["state"] == "hot":
            if self._was_cold:
                self.warmed_at = self.warmed_at or at
            return Notice(f"{stage_line(model, place)}, reading the prompt")
        self._was_cold = True
        elapsed = time.perf_counter() - at
        return Notice(stage_line(model, place, elapsed), tuple(steps(place.get("stages") or [], elapsed)))

    @property
    def goes_on(self) -> str:
        """What the one who waits no longer should know of a start that nobody has stopped."""
        if self._latest is None or self._latest[2]["state"] not in ("starting", "queued"):
            return ""
        _, model, place = self._latest
        name, cluster = short_name(model), place["cluster"]
        return (
            f"stopped waiting; {name} goes on starting on {cluster}. "
            f"`%first stop {name} --on {cluster}` ends that, "
            f"`first_jupyter.progress({name!r})` shows how far it is."
        )

    def stop(self) -> None:
        """Stop following the model."""
        if self._live:
            self._live.close()

    def _store(self, catalog: dict[str, Any]) -> None:
        model, cluster = find_model(catalog, self._name)
        place = nearest_cluster(model, cluster) if model else None
        # One assignment: the main thread finds the old news or the new, never half of each.
        self._latest = (time.perf_counter(), model, place) if model and place else None
