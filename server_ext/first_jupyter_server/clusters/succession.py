"""When a replica that is to outlive its job gets a successor: plain decisions."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from first_jupyter_remote.protocol import ReplicaRecord, Stage

__all__ = ["TRIES", "due", "lead", "outlives", "pause", "rest"]

TRIES = 3
"""How often a successor is asked for."""
LEAST, UNKNOWN = 180.0, 600.0
PAUSE = 30.0


def outlives(record: ReplicaRecord) -> bool:
    """Say whether a replica that is ready is wanted for longer than its job lasts."""
    if record.stage is not Stage.READY or record.job_ends is None:
        return False
    ends = None if record.expires is None else max(record.expires, record.held_until or 0.0)
    return ends is None or ends > record.job_ends


def lead(took: Sequence[float], length: float | None) -> float:
    """Return how many seconds before its drain a replica's successor is asked for.

    Parameters
    ----------
    took
        The seconds that earlier starts took there, the wait for a node included.
    length
        The seconds that the replica has in its job, where known: a successor that is asked for earlier than
        in the middle would have successors follow each other from start to start.
    """
    wanted = max(LEAST, statistics.median(took) * 1.5 + 60.0) if took else UNKNOWN
    return wanted if length is None else min(wanted, length / 2)


def due(job_ends: float, drain_at: float, ready: float | None, took: Sequence[float]) -> float:
    """Return when the successor is to be asked for, by the clock of the moments given.

    Parameters
    ----------
    job_ends
        When the job's time is up.
    drain_at
        When the replica takes no more requests.
    ready
        When the replica became ready, where known.
    took
        The seconds that earlier starts took there.
    """
    length = None if ready is None else job_ends - ready
    return drain_at - lead(took, length)


def rest(held_until: float | None, now: float) -> float | None:
    """Return the seconds that are left of a hold, None where nothing is.

    They count anew from when the successor is ready, so it is held a little longer than was asked for; what
    it may take to get ready is not taken off, since it may take less.
    """
    return None if held_until is None or held_until <= now else held_until - now


def pause(failed: int) -> float:
    """Return the seconds before the next try, by how many failed."""
    return PAUSE * 2 ** (failed - 1) if failed else 0.0
