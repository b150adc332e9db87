"""How long starts took, so that the next one can say how long it will take."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from .place import Step

__all__ = ["StartHistory", "estimate", "steps"]

KEPT = 5
"""Starts that are remembered for each model on each cluster."""

Remaining = Mapping[str, Sequence[float]]
"""Seconds from the beginning of a stage until ready, in earlier starts, by stage."""


def estimate(remaining: Remaining, stage: str, elapsed: float) -> float | None:
    """Estimate the seconds until a replica is ready.

    Parameters
    ----------
    remaining
        What earlier starts took from each stage on.
    stage
        The stage it is in.
    elapsed
        Seconds since it entered that stage.

    Returns
    -------
    float or None
        At least half a second while it is not ready; None where no earlier start went through this stage.
    """
    earlier = remaining.get(stage)
    if not earlier:
        return None
    return max(0.5, statistics.median(earlier) - elapsed)


def steps(
    order: Sequence[str], stage: str, entered: Mapping[str, float], remaining: Remaining
) -> tuple[Step, ...]:
    """Return the stages of a start that is under way.

    Parameters
    ----------
    order
        The stages that a start can go through.
    stage
        The one that it is in.
    entered
        When it entered each, in seconds since the epoch, as far as that was seen.
    remaining
        What earlier starts took from each stage on.

    Returns
    -------
    tuple of Step
        A stage that this start passed over is not among them, nor one ahead that no earlier start went
        through.
    """
    usual, at = _usual(order, remaining), order.index(stage)
    left = [name for name in order[:at] if name in entered]
    done = []
    for name, after in pairwise([*left, stage]):
        seconds = max(0.0, entered[after] - entered[name]) if after in entered else None
        done.append(Step(name, "done", seconds=seconds, usual=usual.get(name)))
    ahead = [name for name in order[at + 1 :] if name in usual or not usual]
    return (
        *done,
        Step(stage, "now", began=entered.get(stage), usual=usual.get(stage)),
        *(Step(name, "ahead", usual=usual.get(name)) for name in ahead),
    )


def _usual(order: Sequence[str], remaining: Remaining) -> dict[str, float]:
    """Return how long starts usually are in each stage, so that together they are the estimate."""
    medians = {name: statistics.median(remaining[name]) for name in order if remaining.get(name)}
    after = dict(zip(medians, [*medians.values()][1:], strict=False))
    return {name: max(0.0, median - after.get(name, 0.0)) for name, median in medians.items()}


class StartHistory:
    """The remembered starts, in one JSON file.

    Parameters
    ----------
    path
        The file; a missing or broken one is an empty history.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._starts: dict[str, dict[str, list[float]]] = {}
        try:
            loaded = json.loads(path.read_text(encoding="utf-8"))
            self._starts = {
                str(name): {str(stage): [float(s) for s in seconds] for stage, seconds in stages.items()}
                for name, stages in loaded.items()
            }
        except (OSError, ValueError, AttributeError, TypeError):
            self._starts = {}

    def remaining(self, cluster: str, model: str) -> Remaining:
        """Return what earlier starts of a model on a cluster took."""
        return self._starts.get(f"{cluster}/{model}", {})

    def add(self, cluster: str, model: str, entered: Mapping[str, float], ready: float) -> None:
        """Remember a start.

        Parameters
        ----------
        entered
            When it entered each stage, in seconds of any one clock.
        ready
            When it was ready, by the same clock.
        """
        stages = self._starts.setdefault(f"{cluster}/{model}", {})
        for stage, at in entered.items():
            stages[stage] = [*stages.get(stage, []), ready - at][-KEPT:]

    def save(self) -> None:
        """Write the file, whole or not at all; blocks, so not for the event loop.

        Raises
        ------
        OSError
            Where it cannot be written.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text(json.dumps(self._starts), encoding="utf-8")
        draft.replace(self._path)
