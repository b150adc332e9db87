"""Replicas that were asked for and ended before they were ready: the next one waits, longer each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from first_jupyter_server.clusters.queue_words import clock

from .scaling import Unit
from .terms import Key

__all__ = ["Setbacks"]

PAUSE, LONGEST = 60.0, 3600.0
"""Seconds before the next try, twice as long after each failure."""


@dataclass
class _State:
    coming: set[str] = field(default_factory=set)
    served: set[str] = field(default_factory=set)
    failures: int = 0
    until: float = 0.0
    reason: str = ""


class Setbacks:
    """Remembers them by cluster and model."""

    def __init__(self) -> None:
        self._states: dict[Key, _State] = {}

    def look(self, key: Key, units: Sequence[Unit], reason: str, now: float) -> None:
        """Take note of what there is.

        Parameters
        ----------
        key
            The cluster and the model.
        units
            Its replicas.
        reason
            What the cluster says of it, for when one has failed.
        now
            The moment, in seconds since the epoch.
        """
        state = self._states.setdefault(key, _State())
        ready = {unit.id for unit in units if unit.ready}
        # One whose server is started again after it has served is no start; neither is it one that failed.
        state.served = (state.served | ready) & {unit.id for unit in units}
        coming = {unit.id for unit in units} - state.served
        if state.coming & ready:
            state.failures = 0
        elif state.coming - coming:
            state.until = now + min(LONGEST, PAUSE * 2**state.failures)
            state.failures += 1
            state.reason = reason
        state.coming = coming

    def forget(self, key: Key, replica: str) -> None:
        """Take note that a replica is ended because nobody needs it."""
        self._states.setdefault(key, _State()).coming.discard(replica)

    def why(self, key: Key, now: float) -> str:
        """Return why the next one waits; nothing where it does not."""
        state = self._states.get(key)
        # A moment further ahead than any pause is one of a clock that has been set back since.
        if state is None or not now < state.until <= now + LONGEST:
            return ""
        tried = "a start failed" if state.failures == 1 else f"{state.failures} starts failed in a row"
        return f"{tried} ({state.reason}); the next try is at {clock(state.until, now)}"
