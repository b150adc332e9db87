"""The state of a model on a gateway's cluster, from what the gateway tells and what asking it has shown."""

from __future__ import annotations

from dataclasses import dataclass

from first_jupyter_remote.protocol import QueuedJob

from first_jupyter_server.federation.catalog import State

from .gateway_words import Job
from .queue_words import clock, sentence

__all__ = ["CACHED", "ON_ITS_WAY", "Known", "state"]

CACHED = 60.0
"""Seconds for which gateways keep their list of jobs."""
PROVEN_FOR, FAILED_FOR = 600.0, 600.0
"""Seconds for which a model that answered counts as hot, and one that did not as offline, where the gateway
does not tell otherwise."""
ON_ITS_WAY = ("queued", "starting")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a model; moments are in seconds since the epoch.

    Parameters
    ----------
    job, told
        What runs for it, and when the gateway told; both None where it has not.
    asked, said
        Since when it is being asked for here, and what the gateway said to that last.
    proven
        When it answered last to that.
    failed, why
        When asking for it came to nothing last, and why.
    """

    job: Job | None = None
    told: float | None = None
    asked: float | None = None
    said: str = ""
    proven: float | None = None
    failed: float | None = None
    why: str = ""


def state(known: Known, now: float) -> tuple[State, str]:
    """Return the state, and the reason in a sentence."""
    status = known.job.status if known.job else None
    if known.asked is not None and status not in ON_ITS_WAY:
        said = f"; {known.said}" if known.said else ""
        return State.STARTING, f"the gateway was asked for it at {clock(known.asked, now)}{said}"
    if known.asked is None and _failed_last(known, now):
        return State.OFFLINE, known.why
    if known.asked is None and (status == "running" or _is_proven(known, now)):
        return State.HOT, ""
    return _told(known.job, now, known.told is not None)


def _told(job: Job | None, now: float, tells: bool) -> tuple[State, str]:
    """Return the state of a model of which nothing is known but what the gateway tells."""
    if job is not None and job.status == "queued":
        waits = QueuedJob(job.id or "for it", starts=job.starts, reason=job.comment)
        return State.QUEUED, sentence(waits, now)
    if job is not None and job.status == "starting":
        return State.STARTING, f"its node loads it{f' (job {job.id})' if job.id else ''}"
    if job is not None and job.status == "disconnected":
        return State.OFFLINE, "the gateway has lost the node that serves it"
    if not tells:
        return State.COLD, "the gateway does not tell what runs; the first request shows it"
    return State.COLD, "the gateway starts it with the first request"


def _failed_last(known: Known, now: float) -> bool:
    """Whether asking for it came to nothing, and nothing has shown since that it is there."""
    if known.failed is None or now - known.failed > FAILED_FOR or (known.proven or 0.0) > known.failed:
        return False
    status = known.job.status if known.job else None
    return status not in ("running", *ON_ITS_WAY) or (known.told or 0.0) <= known.failed


def _is_proven(known: Known, now: float) -> bool:
    """Whether it answered, and the gateway's list is too old to know of its end."""
    if known.proven is None or now - known.proven > PROVEN_FOR:
        return False
    return known.told is None or known.told - CACHED <= known.proven
