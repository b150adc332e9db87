"""What the extension is told of batches: each one's news, and what all of them want of the federation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .objects import ENDED, Json

__all__ = ["News"]


class News:
    """Passes on what has changed, and nothing twice.

    Parameters
    ----------
    send
        Sends a message to the extension.
    """

    def __init__(self, send: Callable[[dict[str, Any]], None]) -> None:
        self._send = send
        self._told: dict[str, Json] = {}
        self._wanted: dict[str, tuple[str, int]] = {}
        self._wants: dict[str, Any] = {}

    def add(self, batch: Json) -> None:
        """Take a batch as it is now."""
        event = _event(batch)
        if self._told.get(batch["id"]) != event:
            self._told[batch["id"]] = event
            self._send({"type": "batch", "event": event})
        if batch["status"] == "in_progress":
            self._wanted[batch["id"]] = batch["model"], batch["first"]["replicas"] or 1
        else:
            self._wanted.pop(batch["id"], None)
        if batch["status"] in ENDED:
            del self._told[batch["id"]]
        replicas: dict[str, int] = {}
        for model, number in self._wanted.values():
            replicas[model] = max(replicas.get(model, 0), number)
        wants = {"replicas": replicas, "batches": len(self._told)}
        if wants != self._wants:
            self._wants = wants
            self._send({"type": "wants", **wants})

    def used(self, sums: list[Json]) -> None:
        """Take the sums of rows that are done."""
        self._send({"type": "rows", "sums": sums})


def _event(batch: Json) -> Json:
    """Return the Jupyter event that tells of a batch."""
    first = batch["first"]
    return {
        "id": batch["id"],
        "status": batch["status"],
        "model": batch["model"],
        **batch["request_counts"],
        **{name: first[name] for name in ("rate", "eta", "reason")},
    }
