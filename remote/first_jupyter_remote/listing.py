"""A replica in one line, for a person at a terminal."""

from __future__ import annotations

from .protocol import ReplicaRecord

__all__ = ["line", "span"]


def line(record: ReplicaRecord, now: float) -> str:
    """Return what there is to know of a replica; the key stays in the record's file."""
    share = "" if record.progress is None else f" {record.progress:.0%}"
    where = f" http://{record.host}:{record.port}/v1" if record.port else ""
    reason = f" {record.reason}" if record.reason else ""
    known = "".join(f"; {part}" for part in terms(record, now))
    return f"{record.replica} {record.model} {record.stage}{share}{where}{reason}{known}"


def terms(record: ReplicaRecord, now: float) -> list[str]:
    """Return how long a replica lasts, in words."""
    if record.stage.is_final:
        return []
    parts = []
    if record.held_until and record.held_until > now:
        parts.append(f"held for {span(record.held_until - now)}")
    if record.expires:
        parts.append(f"ends in {span(record.expires - now)} if nobody uses it")
    if record.job or record.job_ends:
        name = f"job {record.job}" if record.job else "its job"
        parts.append(f"{name} ends in {span(record.job_ends - now)}" if record.job_ends else f"in {name}")
    return parts


def span(seconds: float) -> str:
    """Return a length of time, as exact as a person wants it."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{max(seconds, 0):.0f} s"
    hours, minutes = divmod(minutes, 60)
    return " ".join(f"{number} {unit}" for number, unit in ((hours, "h"), (minutes, "min")) if number)
