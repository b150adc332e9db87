"""What a scheduler says of jobs that wait, in words and seconds for the people who wait for them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import datetime

from first_jupyter_remote.protocol import QueuedJob, Stage

from first_jupyter_server.federation.history import Remaining

__all__ = ["clock", "matched", "seconds_until_hot", "sentence"]

WAITING = "waiting for a node"
_AFTER_THE_QUEUE = (Stage.FETCHING, Stage.LOADING, Stage.WARMING)


def matched(replicas: Sequence[str], queue: Sequence[QueuedJob]) -> dict[str, QueuedJob]:
    """Say which job is to become which replica: Globus Compute does not tell, so the oldest is the oldest.

    Parameters
    ----------
    replicas
        Those that have not begun, in the order in which they were asked for.
    queue
        The jobs that wait, oldest first.
    """
    return dict(zip(replicas, queue, strict=False))


def sentence(job: QueuedJob, now: float) -> str:
    """Say what a replica waits for, as far as the scheduler tells."""
    which = f"in the queue {job.queue}" if job.queue else "in the queue"
    said = f"{WAITING}: job {job.job} {f'is {_ordinal(job.position)}' if job.position else 'waits'} {which}"
    if job.reason:
        said += f" ({job.reason})"
    if job.starts is not None and job.starts > now:
        said += f", expected to start at {clock(job.starts, now)}"
    return said


def seconds_until_hot(job: QueuedJob, remaining: Remaining, now: float) -> float | None:
    """Return the seconds until a replica that waits is hot, None where nobody can tell.

    Parameters
    ----------
    job
        Its job.
    remaining
        What earlier starts took from each stage on.
    now
        Seconds since the epoch.
    """
    later = next((remaining[stage] for stage in _AFTER_THE_QUEUE if remaining.get(stage)), None)
    if job.starts is None or later is None:
        return None
    return max(0.0, job.starts - now) + statistics.median(later)


def clock(moment: float, now: float) -> str:
    """Write a moment as a person here reads it: the time, and the day where it is another one."""
    at, today = datetime.fromtimestamp(moment).astimezone(), datetime.fromtimestamp(now).astimezone()
    return f"{at:%H:%M}" if at.date() == today.date() else f"{at:%H:%M on %a %d %b}"


def _ordinal(position: int) -> str:
    tens, ones = divmod(position, 10)
    ending = "th" if tens % 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(ones, "th")
    return f"{position}{ending}"
