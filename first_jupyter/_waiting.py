"""What to say while a model is not hot yet."""

from __future__ import annotations

import time
from typing import Any

from first_jupyter._live import Live
from first_jupyter._stage import find_model, nearest_cluster, stage_line

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
        self._latest: tuple[float, dict[str, Any]] | None = None
        self._was_cold = False
        self.warmed_at: float | None = None

    def line(self, waited: float) -> str:
        """Say how far the model is after `waited` seconds, or nothing if there is nothing to say."""
        if waited < GRACE:
            return ""
        if self._live is None:
            self._live = Live(self._store)
        latest = self._latest
        if latest is None:
            return ""
        at, catalog = latest
        model, cluster = find_model(catalog, self._name)
        place = nearest_cluster(model, cluster) if model else None
        if model is None or place is None:
            return ""
        if place["state"] == "hot":
            if self._was_cold:
                self.warmed_at = self.warmed_at or at
            return f"{stage_line(model, place)}, reading the prompt"
        self._was_cold = True
        return stage_line(model, place, time.perf_counter() - at)

    def stop(self) -> None:
        """Stop following the model."""
        if self._live:
            self._live.close()

    def _store(self, catalog: dict[str, Any]) -> None:
        # One assignment: the main thread finds the old catalog or the new one, never half of each.
        self._latest = (time.perf_counter(), catalog)
