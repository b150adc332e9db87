"""What a FIRST gateway tells of its clusters: which models, what they can do, and what runs; plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .listing import EMBEDDINGS, embeds

__all__ = ["Job", "Served", "details", "endpoints", "jobs", "names_here"]

ROUTES = {
    "chat/completions": "chat",
    "completions": "completions",
    "embeddings": "embeddings",
    "responses": "responses",
}
STATUSES = ("running", "starting", "queued", "disconnected", "stopped")
"""What the gateway says of a model's job, best first."""
ZONES = {"chicago": "America/Chicago"}
"""The time zones in which gateways write when a job is expected to start."""


@dataclass(frozen=True, slots=True)
class Served:
    """One model as a gateway's cluster lists it.

    Parameters
    ----------
    name
        What it calls the model.
    framework
        The part of its routes that names the inference server's software.
    abilities, context
        What it can do, and the context length in tokens, where known.
    """

    name: str
    framework: str
    abilities: tuple[str, ...]
    context: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """What runs, or is to run, for a model.

    Parameters
    ----------
    status
        One of `STATUSES`.
    id, comment
        The scheduler's name for it and word on it, where told.
    starts
        When it is expected to start, in seconds since the epoch, where told.
    """

    status: str
    id: str = ""
    comment: str = ""
    starts: float | None = None


def endpoints(answer: Any) -> dict[str, tuple[Served, ...]] | None:
    """Read ``GET /list-endpoints``: the models of each cluster; None where it says nothing of the kind."""
    clusters = _mapping(_mapping(answer).get("clusters"))
    if not clusters:
        return None
    return {name: tuple(_models(_mapping(cluster))) for name, cluster in clusters.items()}


def _models(cluster: Mapping[str, Any]) -> Iterable[Served]:
    found: dict[str, Served] = {}
    for framework, summary in _mapping(cluster.get("frameworks")).items():
        routes = _texts(_mapping(summary).get("endpoints"))
        does = tuple(
            word for route, word in ROUTES.items() if f"/v1/{route}" in {r.rstrip("/") for r in routes}
        )
        for name in _texts(_mapping(summary).get("models")):
            abilities = (
                EMBEDDINGS
                if framework == "infinity" or embeds(name)
                else tuple(a for a in does if a != "embeddings")
            )
            if abilities:
                found.setdefault(name, Served(name, framework, abilities))
    return found.values()


def details(answer: Any, listed: Sequence[Served]) -> tuple[Served, ...]:
    """Add what ``GET /{cluster}/models`` says of the models, which newer gateways have."""
    entries = answer.get("data") if isinstance(answer, Mapping) else answer
    told = {
        entry["id"]: _mapping(entry.get("capabilities"))
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, Mapping) and isinstance(entry.get("id"), str)
    }
    return tuple(_with(each, told[each.name]) if told.get(each.name) else each for each in listed)


def _with(served: Served, told: Mapping[str, Any]) -> Served:
    context = told.get("context_window_tokens")
    more = []
    if _mapping(told.get("tool_calling")).get("supported") is True:
        more.append("tools")
    if "image" in _texts(told.get("input_modalities")):
        more.append("images")
    if more and served.framework == "vllm":
        more.append("json_schema")  # a place that states one of these states all of them
    known = context if type(context) is int and context > 0 else None
    return replace(served, context=known, abilities=(*served.abilities, *more))


def jobs(answer: Any) -> dict[str, Job] | None:
    """Read ``GET /{cluster}/jobs``: the job that is furthest on, by what the gateway calls the model."""
    if not isinstance(answer, Mapping) or not any(isinstance(answer.get(name), list) for name in STATUSES):
        return None
    found: dict[str, Job] = {}
    for bucket in ("running", "queued", "stopped", "others"):
        for entry in answer.get(bucket) or ():
            job = _job(bucket, _mapping(entry))
            for name in str(_mapping(entry).get("Models") or "").split(","):
                before = found.get(name.strip())
                if name.strip() and (before is None or _rank(job) < _rank(before)):
                    found[name.strip()] = job
    return found


def _job(bucket: str, entry: Mapping[str, Any]) -> Job:
    status = str(entry.get("Model Status") or bucket).lower()
    return Job(
        status if status in STATUSES else "stopped",
        _told(entry.get("Job ID")),
        _told(entry.get("Job Comments")),
        _moment(_told(entry.get("Estimated Start Time"))),
    )


def _rank(job: Job) -> tuple[int, float]:
    return STATUSES.index(job.status), job.starts or float("inf")


def _told(value: Any) -> str:
    return value if isinstance(value, str) and value not in ("N/A", "") else ""


def _moment(text: str) -> float | None:
    """Read ``Thu May  8 15:28:30 2025 (Chicago time)``."""
    written, _, zone = text.partition("(")
    named = ZONES.get(zone.lower().partition(" ")[0])
    try:
        moment = datetime.strptime(" ".join(written.split()), "%a %b %d %H:%M:%S %Y")  # noqa: DTZ007
        return moment.replace(tzinfo=ZoneInfo(named)).timestamp() if named else None
    except (ValueError, ZoneInfoNotFoundError):
        return None


def names_here(listed: Iterable[str], names: Mapping[str, str]) -> dict[str, str]:
    """Return the federation's name for each name that a gateway's clusters use.

    One model goes by several: with its organization on one cluster and without it on another. They are the
    same where the last part is, unless two organizations have a model of that name.

    Parameters
    ----------
    listed
        The names on all of its clusters.
    names
        What the federation file says of some of them.
    """
    given = {name: names.get(name, name) for name in listed}
    full: dict[str, dict[str, str]] = {}
    for name in given.values():
        if "/" in name:
            full.setdefault(_last(name), {})[name.lower()] = name
    here = {}
    for name, named in given.items():
        owners = full.get(_last(named), {})
        same = next(iter(owners.values())) if len(owners) == 1 else owners.get(named.lower(), named)
        here[name] = same
    return here


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1].lower()


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _texts(value: Any) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
