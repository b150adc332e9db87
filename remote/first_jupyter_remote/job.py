"""The batch job that a replica runs in: its name, and when its time is up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Job", "JobEndsError", "current"]

DRAIN_BEFORE = 60.0
LAST = 12.0
"""Seconds before the end at which no answer is waited for any more: the server needs them to end."""
TOO_LATE = 600.0
"""Seconds before the end from which no replica is begun; in a short job, its second half."""


class JobEndsError(Exception):
    """The job is at its end; whoever asked has to ask again, for another one."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job.

    Parameters
    ----------
    name
        The scheduler's name for it, where there is one.
    ends
        When its time is up, in seconds since the epoch, where that is known.
    drain_at
        When its replica takes no more requests, so that those it has may be answered.
    begin_until
        Until when a replica may begin in it: a job whose replica has ended may be given the next one.
    """

    name: str | None = None
    ends: float | None = None
    drain_at: float = float("inf")
    begin_until: float = float("inf")

    @property
    def answers_until(self) -> float:
        """Until when answers may take."""
        return float("inf") if self.ends is None else self.ends - LAST


def current(environ: Mapping[str, str], now: float) -> Job:
    """Return the job that an environment tells of.

    It began at ``FIRST_JOB_BEGAN`` and ends at ``FIRST_JOB_ENDS``, in seconds since the epoch. An end that is
    past is not believed: this process still runs. A short job drains for no more than a quarter of its time.
    """
    name = environ.get("SLURM_JOB_ID") or environ.get("PBS_JOBID")
    ends = seconds(environ, "FIRST_JOB_ENDS")
    if ends is None or not now < ends < float("inf"):
        return Job(name)
    began = seconds(environ, "FIRST_JOB_BEGAN")
    length = ends - (now if began is None else began)
    return Job(name, ends, ends - min(DRAIN_BEFORE, (ends - now) / 4), ends - min(TOO_LATE, length / 2))


def seconds(environ: Mapping[str, str], name: str) -> float | None:
    """Return a variable as a number, None where it is none."""
    try:
        return float(environ.get(name, ""))
    except ValueError:
        return None
