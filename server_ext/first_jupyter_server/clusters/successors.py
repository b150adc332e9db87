"""Asks for the successors of replicas that are to outlive their jobs, each in good time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from .queue_words import clock
from .running import Running
from .succession import TRIES, due, outlives, pause, rest

__all__ = ["Successors"]


class Successors:
    """Sees to a cluster's replicas.

    Parameters
    ----------
    running
        Returns all of them, by their ids.
    took
        Returns the seconds that earlier starts of a model took.
    launch
        Starts a replica of a model, held for so many seconds, as another one's successor.
    """

    def __init__(
        self,
        running: Callable[[], Mapping[str, Running]],
        took: Callable[[str], Sequence[float]],
        launch: Callable[[str, float | None, Running], None],
    ) -> None:
        self._running, self._took, self._launch = running, took, launch
        self._timer: asyncio.TimerHandle | None = None

    def see(self) -> None:
        """Ask for the successors that are due, and look again when the next one is."""
        now, later = time.time(), []
        running = self._running()
        followed = {run.follows for run in running.values()}
        for name, run in running.items():
            if name in followed or (at := self._due(run)) is None:
                continue
            if at <= now:
                self._launch(run.record.model, rest(run.held_until, now), run)
            else:
                later.append(at - now)
        self.end()
        if later:
            self._timer = asyncio.get_running_loop().call_later(min(later), self.see)

    def is_there(self, run: Running) -> None:
        """Take note that a replica takes requests."""
        if (old := self._running().get(run.follows or "")) is not None:
            old.note = ""
        self.see()

    def has_ended(self, run: Running) -> None:
        """Take note that a replica has ended; where it was a successor, try again, but not for ever."""
        old = self._running().get(run.follows or "")
        if old is None or old.stopped or old.job_ends is None:
            return
        now = time.time()
        old.successors_failed += 1
        old.not_before = now + pause(old.successors_failed)
        why = run.record.reason or run.record.stage.value
        old.note = f"it ends at {clock(old.job_ends, now)} with its job, and its successor ended: {why}"
        if old.successors_failed >= TRIES:
            old.note += f"; that was the last of {TRIES} tries: start the model again then"
        self.see()

    def end(self) -> None:
        """Ask for no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self, run: Running) -> float | None:
        """Return when a replica's successor is to be asked for, None where it needs none or can have none."""
        ends, drains = run.job_ends, run.drain_at
        if run.stopped or run.ready is None or ends is None or drains is None or not outlives(run.record):
            return None
        if run.successors_failed >= TRIES:
            return None
        return max(due(ends, drains, run.ready, self._took(run.record.model)), run.not_before)
