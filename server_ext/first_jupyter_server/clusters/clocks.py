"""A node's moments by this server's clock."""

from __future__ import annotations

__all__ = ["behind", "here"]

HEARTBEAT = 30.0
"""Seconds after which a node agent writes a record in which nothing has changed."""
FEW = 5.0
"""Seconds that the way from the cluster may take, and that two clocks that are kept may differ by."""


def behind(before: float | None, arrived: float, updated: float) -> float | None:
    """Return by how many seconds a node's clock is behind ours at the most.

    What a record's arrival shows is the difference of the clocks and the record's age. The smallest that was
    seen is nearest to the truth, since the age is never negative.

    Parameters
    ----------
    before
        What the records before this one showed.
    arrived
        When the record arrived, by our clock.
    updated
        When it was written, by the node's clock; 0 where it was not.
    """
    if not updated:
        return before
    seen = arrived - updated
    return seen if before is None else min(before, seen)


def here(moment: float | None, behind: float | None) -> float | None:
    """Return a moment of a node's clock by ours.

    As a rule both clocks are kept by NTP. A small difference is then the record's age, no fault of a clock,
    and is left alone; a large one shifts all moments.
    """
    if moment is None or behind is None or -FEW <= behind <= HEARTBEAT + FEW:
        return moment
    return moment + behind
