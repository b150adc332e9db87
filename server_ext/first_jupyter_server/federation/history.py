"""How long starts took, so that the next one can say how long it will take."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["StartHistory", "estimate"]

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
