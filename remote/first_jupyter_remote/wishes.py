"""What somebody wants of a replica: that it ends, stays, or is awake; left for its node agent as orders."""

from __future__ import annotations

from typing import Any

from .listing import span
from .orders import order_hold, order_stop, order_wake
from .protocol import ReplicaRecord, Stage
from .records import look_up

__all__ = ["hold", "stop", "wake"]


def stop(home: str, replica: str) -> dict[str, Any]:
    """Ask a replica to end, also one that has not begun yet; return its record as it is now."""
    place, record = look_up(home, replica)
    if record is None:
        order_stop(place, replica)
        reason = "it has not begun yet, and ends as soon as it does"
        return ReplicaRecord(replica, "", Stage.QUEUED, reason).to_json()
    if not record.stage.is_final:
        order_stop(place, replica)
    return record.to_json()


def hold(home: str, replica: str, seconds: float) -> dict[str, Any]:
    """Ask a replica to stay for so many seconds, used or not; return its record as it is now.

    They count from now, or from when it is ready, and never shorten what was asked before. A replica that has
    not begun yet is held once it has.

    Raises
    ------
    ValueError
        If that is no length of time.
    """
    if not 0 < seconds < float("inf"):
        raise ValueError(f"a replica cannot be held for {seconds:g} s: give a number of seconds above 0")
    place, record = look_up(home, replica)
    if record is None:
        order_hold(place, replica, seconds, None)
        reason = f"it has not begun yet, and is held for {span(seconds)} once it is ready"
        return ReplicaRecord(replica, "", Stage.QUEUED, reason).to_json()
    if not record.stage.is_final:
        order_hold(place, replica, seconds, record)
    return record.to_json()


def wake(home: str, replica: str) -> dict[str, Any]:
    """Ask a replica to be awake for a request that is to come; return its record as it is now.

    One that sleeps wakes up, one that shares its GPUs has its turn sooner, and one that is awake stays so for
    a while.
    """
    place, record = look_up(home, replica)
    if record is None:
        order_wake(place, replica)
        return ReplicaRecord(replica, "", Stage.QUEUED, "it has not begun yet").to_json()
    if not record.stage.is_final:
        order_wake(place, replica)
    return record.to_json()
