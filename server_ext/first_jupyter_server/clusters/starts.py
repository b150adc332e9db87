"""What a cluster's starts took, and what the next one will take."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from logging import Logger

from first_jupyter_remote.protocol import Stage

from first_jupyter_server.background import Background
from first_jupyter_server.federation.catalog import Step
from first_jupyter_server.federation.history import StartHistory, estimate, steps

from .queue_words import seconds_until_hot
from .running import Running

__all__ = ["Starts", "save"]

STAGES = (Stage.QUEUED, Stage.FETCHING, Stage.LOADING, Stage.WARMING)
"""Those of a start."""

WAKES = 5.0
"""Seconds that a model takes to wake up, where nobody has seen it do so."""


class Starts:
    """The starts on one cluster.

    Parameters
    ----------
    cluster
        Its name.
    history
        What is remembered of all clusters.
    background
        Where that is written down.
    log
        Where it is told if it cannot be.
    """

    def __init__(self, cluster: str, history: StartHistory, background: Background, log: Logger) -> None:
        self._cluster, self._history, self._background, self._log = cluster, history, background, log

    def took(self, model: str) -> Sequence[float]:
        """Return the seconds that earlier starts of a model took, the wait for a node included."""
        return self._history.remaining(self._cluster, model).get(Stage.QUEUED, ())

    def learn(self, run: Running) -> None:
        """Learn from a replica that is ready, or awake again."""
        now, roused, run.roused = time.monotonic(), run.roused, None
        if run.ready is None:
            run.ready = time.time()
            if Stage.QUEUED not in run.entered:
                return  # an earlier server asked for it: how long it took was not seen here
            self._history.add(self._cluster, run.record.model, run.entered, now)
        elif roused is not None:
            self._history.add(self._cluster, run.record.model, {Stage.ASLEEP: roused}, now)
        else:
            return
        self._background.do(save(self._history, self._log))

    def eta(self, run: Running | None) -> float | None:
        """Return the seconds until a replica is hot, None where nobody can tell."""
        if run is None:
            return None
        remaining, now = self._history.remaining(self._cluster, run.record.model), time.monotonic()
        if run.job is not None and not run.has_begun:
            told = seconds_until_hot(run.job, remaining, time.time())
            if told is not None:
                return told
        if run.stage is Stage.ASLEEP or (run.roused is not None and run.ready is not None):
            gone = 0.0 if run.roused is None else now - run.roused
            return estimate({Stage.ASLEEP: (WAKES,), **remaining}, Stage.ASLEEP, gone)
        stages = list(Stage)
        # A stage that nobody saw it in before, since looks are rare, is judged by one that it has left.
        for stage in reversed(stages[: stages.index(run.stage) + 1]):
            if stage in run.entered:
                left = estimate(remaining, stage, now - run.entered[stage])
                if left is not None:
                    return left
        return None

    def steps(self, run: Running | None) -> tuple[Step, ...]:
        """Return the stages of a replica's start; none where it is through, or sleeps."""
        if run is None or run.ready is not None or run.stage not in STAGES:
            return ()
        remaining = self._history.remaining(self._cluster, run.record.model)
        return steps(STAGES, run.stage, run.moments, remaining)


async def save(history: StartHistory, log: Logger) -> None:
    """Write down how long starts took."""
    try:
        await asyncio.to_thread(history.save)
    except OSError as error:
        log.warning("How long starts take could not be written down: %s", error)
