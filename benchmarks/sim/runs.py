"""One run: one federation, one trace, one policy, one seed; and the figures that come of it."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from . import traces, worlds
from .events import Clock
from .plane import GIVES_UP, Plane
from .policies import First
from .scalers import Parsl, Scaler

__all__ = ["Figures", "Setting", "run"]


@dataclass(frozen=True, slots=True)
class Setting:
    """What is simulated.

    Parameters
    ----------
    world
        The federation.
    length
        Seconds in which requests arrive; the first tenth is not counted.
    load
        Requests a second, times the shape, as a share of what all nodes can answer.
    lengths, shape, gaps
        The trace, see :mod:`sim.traces`.
    elastic
        Whether replicas begin and end; else all of them are ready from the beginning.
    deaths
        Seconds between two deaths of a replica, in the mean; none dies and no cluster hangs where None.
    """

    world: worlds.World
    length: float
    load: float
    lengths: traces.Lengths = traces.CHAT
    shape: traces.Shape = traces.poisson
    gaps: float = 0.5
    elastic: bool = False
    deaths: float | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of a run; a request that failed counts as one whose first token never came.

    Parameters
    ----------
    p50, p95, p99
        Seconds to the first token.
    node_hours
        Per million tokens that were written.
    failed
        The share of requests that failed.
    decision
        Seconds that one choice took this machine, in the median.
    seconds
        What the run took this machine.
    """

    policy: str
    requests: int
    p50: float
    p95: float
    p99: float
    node_hours: float
    failed: float
    seams: int
    replicas: float
    decision: float
    seconds: float


def run(setting: Setting, policy: type[Any], seed: int) -> Figures:
    """Simulate."""
    begun = time.perf_counter()
    clock = Clock()
    fleet = worlds.build(setting.world, clock, seed)
    prompt, output = setting.lengths.mean()
    rate = setting.load * worlds.capacity(fleet, prompt, output)
    jobs = traces.requests(
        Random(f"{seed} trace"),
        setting.lengths,
        rate,
        setting.length,
        shape=setting.shape,
        gaps=setting.gaps,
    )
    plane = Plane(clock, fleet, policy(fleet), setting.length * 0.1)
    for cluster in fleet.clusters[:1] if setting.elastic else fleet.clusters:
        enough = cluster.nodes
        if setting.elastic:
            enough = min(
                enough, math.ceil(2.0 * rate * setting.shape(0.0) / cluster.costs.rate(prompt, output))
            )
        for _ in range(enough):
            cluster.start(ready=True)
    if setting.elastic:
        (Parsl if policy is First else Scaler)(plane)
    if setting.deaths is not None:
        worlds.befall(plane, setting.length, setting.deaths)
    _feed(clock, plane.arrive, jobs)
    gc.disable()
    clock.run(setting.length)
    used = fleet.used()
    clock.run(setting.length + GIVES_UP)
    gc.enable()
    plane.close()
    return _figures(setting, plane, used, time.perf_counter() - begun)


def _feed(clock: Clock, arrive: Callable[[Any], None], jobs: list[Any]) -> None:
    """Have each request arrive in its turn, so that the clock holds one of them at a time."""
    waiting = iter(jobs)

    def next_one(job: Any) -> None:
        if (later := next(waiting, None)) is not None:
            clock.at(later.at, next_one, later)
        arrive(job)

    if (first := next(waiting, None)) is not None:
        clock.at(first.at, next_one, first)


def _figures(setting: Setting, plane: Plane, used: float, seconds: float) -> Figures:
    firsts = sorted(plane.firsts) + [float("inf")] * plane.never
    count = len(firsts)

    def percentile(share: float) -> float:
        return firsts[min(count - 1, int(share * count))] if firsts else float("nan")

    deciding = sorted(plane.deciding)
    return Figures(
        plane.policy.name,
        count,
        percentile(0.5),
        percentile(0.95),
        percentile(0.99),
        used / 3600.0 / (plane.tokens / 1e6) if plane.tokens else float("nan"),
        (plane.never + plane.cut) / count if count else 0.0,
        plane.seams,
        used / setting.length,
        deciding[len(deciding) // 2] if deciding else 0.0,
        seconds,
    )
