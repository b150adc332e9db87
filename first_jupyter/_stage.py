"""How far a model is, in one line: functions of the catalog."""

from __future__ import annotations

from typing import Any

__all__ = [
    "eta_text",
    "find_model",
    "nearest_cluster",
    "short_name",
    "span_text",
    "stage_line",
    "state_text",
]

Json = dict[str, Any]

READINESS = ("hot", "starting", "queued", "draining", "cold", "offline")
STAGES = {"fetching": "fetching the weights", "warming": "warming up", "ready": "ready"}
WAITING = "waiting for a node"  # what a queue's words begin with, which "queued" has said


def find_model(catalog: Json, name: str = "") -> tuple[Json | None, str]:
    """Look a name up in the catalog.

    Parameters
    ----------
    catalog
        As ``GET models`` gives it.
    name
        An id or alias, perhaps with ``@cluster``; empty or ``default`` means the current choice.

    Returns
    -------
    tuple
        The model's entry, or None, and the pinned cluster, or an empty string.
    """
    wanted = name if name and name != "default" else catalog.get("current") or ""
    bare, _, cluster = wanted.partition("@")
    for model in catalog.get("models", []):
        if bare == model["id"] or bare in model.get("aliases", []):
            return model, cluster
    return None, cluster


def nearest_cluster(model: Json, pinned: str = "") -> Json | None:
    """Choose the cluster that will serve the model soonest, by its state and ETA."""
    clusters = [place for place in model.get("clusters", []) if not pinned or place["cluster"] == pinned]
    return min(clusters, key=_distance, default=None)


def short_name(model: Json) -> str:
    """Name a model for the screen: its first alias, else the last part of its id."""
    aliases = model.get("aliases") or [model["id"].rpartition("/")[2]]
    return str(aliases[0])


def stage_line(model: Json, place: Json, elapsed: float = 0.0) -> str:
    """Say in one line how far a model is on a cluster.

    Parameters
    ----------
    model, place
        Entries of the catalog.
    elapsed
        Seconds since the catalog came, by which the ETA has shrunk.
    """
    return f"{short_name(model)} on {place['cluster']}: {state_text(place, elapsed)}"


def state_text(place: Json, elapsed: float = 0.0) -> str:
    """Say how far a cluster is with a model: ``starting 75 %: compiling, about 40 s left``."""
    state, stage, reason = place["state"], place.get("stage") or "", place.get("reason") or ""
    if state == "hot":
        return "ready"
    if state not in ("starting", "queued"):
        return f"{state} ({reason})" if reason else str(state)
    done = place.get("progress") if state == "starting" else None
    share = "" if done is None else f" {100 * done:.0f} %"
    if reason:
        words = f"{state}{share}: {reason.removeprefix(f'{WAITING}: ').rstrip('.')}"
    else:
        words = f"{STAGES.get(stage, stage) or state}{share}"
    return words if place.get("eta") is None else f"{words}, {eta_text(place['eta'] - elapsed)}"


def eta_text(seconds: float) -> str:
    """Say how long something will take, as exactly as one can know."""
    return "any moment now" if seconds < 1 else f"about {span_text(seconds)} left"


def span_text(seconds: float) -> str:
    """Say a time as exactly as one cares to know: ``12 s``, ``3 min``, ``2 h``."""
    for size, unit, name in ((5400, 3600, "h"), (90, 60, "min")):
        if seconds >= size:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


def _distance(place: Json) -> tuple[int, float]:
    state = place["state"]
    return (READINESS.index(state) if state in READINESS else len(READINESS), place.get("eta") or 0.0)
