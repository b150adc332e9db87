"""What is simulated for the tables, and how a constant of ``tuning.py`` is varied."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from first_jupyter_server.federation import tuning

from . import traces
from .events import Clock
from .ours import Ours
from .policies import CacheAware, First, LeastLoaded, RoundRobin
from .runs import Figures, Setting, run
from .worlds import World, build, capacity

__all__ = ["Table", "all_of", "tune"]

EVERYONE = (First, RoundRobin, LeastLoaded, CacheAware, Ours)
SCALED = (First, LeastLoaded, Ours)
SMALL, MIDDLE, LARGE = World(10, 3), World(100, 12), World(1000, 36)
HOUR = 3600.0

Policies = Sequence[type[Any]]
Study = tuple[str, Setting, Policies]

CONSTANTS: dict[str, tuple[float, ...]] = {
    "CROWD": (0.0, 0.2, 0.5, 1.0, 1.5),
    "STAY_FACTOR": (1.0, 1.5, 2.0, 3.0),
    "STAY_LOAD": (1.5, 2.0, 3.0, 5.0),
    "WEIGHT": (0.05, 0.1, 0.2, 0.4),
    "OVERCOMMIT": (1.0, 1.5, 2.0, 4.0),
    "CLUSTER_PAUSE": (1.0, 5.0, 15.0),
    "FULL_AT": (0.6, 0.7, 0.8, 0.9),
    "ENOUGH_AT": (0.3, 0.4, 0.5, 0.6),
    "TREND_AHEAD": (0.0, 120.0, 300.0, 900.0),
    "DOWN_AFTER": (120.0, 300.0, 600.0, 1200.0),
    "DOWN_STARTS": (1.0, 2.0, 4.0),
    "LEVEL_SECONDS": (5.0, 15.0, 30.0, 60.0),
    "TREND_SECONDS": (20.0, 60.0, 180.0),
}
"""The constants that a simulation can choose, and what is tried; those of scaling begin with ``FULL_AT``."""


@dataclass(frozen=True, slots=True)
class Table:
    """Policies side by side, in one setting."""

    title: str
    figures: tuple[Figures, ...]


def all_of(seed: int, *, quick: bool, tell: Callable[[str], None]) -> list[Table]:
    """Simulate everything that the document shows."""
    tables = []
    for title, setting, policies in _quick() if quick else (*_steady(), *_scaled(), *_traces()):
        tell(title)
        tables.append(Table(title, tuple(run(setting, policy, seed) for policy in policies)))
    return tables


def tune(names: Sequence[str], seed: int, *, tell: Callable[[str], None]) -> None:
    """Vary constants one at a time, and tell what comes of each value."""
    scaling = list(CONSTANTS).index("FULL_AT")
    for name in names or CONSTANTS:
        settings = _hard() if list(CONSTANTS).index(name) < scaling else _hilly()
        chosen = getattr(tuning, name)
        for value in CONSTANTS[name]:
            setattr(tuning, name, value)
            cells = [_cell(run(setting, Ours, seed)) for setting in settings]
            tell(f"{name} {value:g}{' (chosen)' if value == chosen else ''}: {' | '.join(cells)}")
        setattr(tuning, name, chosen)


def _cell(figures: Figures) -> str:
    firsts = " ".join(f"{first:.2f}" for first in (figures.p50, figures.p95, figures.p99))
    return f"{firsts} s, {figures.node_hours:.2f} node-hours, {figures.failed:.2%} failed"


def _quick() -> Iterator[Study]:
    yield "10 replicas, all on", Setting(SMALL, 200.0, 0.6, deaths=4 * HOUR), EVERYONE
    yield "10 replicas at most", Setting(SMALL, HOUR, 0.3, shape=traces.day(8.0), elastic=True), SCALED


def _steady() -> Iterator[Study]:
    """All nodes serve; replicas die and a cluster hangs."""
    for world, length in ((SMALL, 1800.0), (MIDDLE, 400.0), (LARGE, 120.0)):
        of_all = f"{world.replicas:,} replicas on {world.clusters} clusters"
        alone = _first_alone(world)
        for load, why in ((alone, f"{alone:.0%}: what suits the first cluster alone"), (0.6, "60 %")):
            yield f"{of_all}, load {why}", Setting(world, length, load, deaths=4 * HOUR), EVERYONE


def _scaled() -> Iterator[Study]:
    """Replicas follow the load of a morning, one of them kept warm."""
    for world, begins, length, load in (
        (SMALL, 6.0, 6, 0.6),
        (MIDDLE, 7.0, 1.5, 0.2),
        (LARGE, 7.5, 0.6, 0.06),
    ):
        setting = Setting(world, length * HOUR, load, shape=traces.day(begins), elastic=True)
        title = (
            f"At most {world.replicas:,} replicas on {world.clusters} clusters, from {begins:g} o'clock on"
        )
        yield f"{title}, peak {load:.0%}", setting, SCALED


def _traces() -> Iterator[Study]:
    for name, terms in (
        ("Poisson arrivals", {"gaps": 1.0}),
        ("bursts of three times the rate", {"shape": traces.bursts}),
        ("long documents", {"lengths": traces.DOCUMENTS}),
    ):
        length = 1200.0 if "lengths" in terms else 300.0
        yield (
            f"100 replicas on 12 clusters, load 60 %, {name}",
            Setting(MIDDLE, length, 0.6, **terms),
            EVERYONE,
        )


def _hard() -> list[Setting]:
    return [
        Setting(MIDDLE, 100.0, 0.8),
        Setting(MIDDLE, 600.0, 0.7, lengths=traces.DOCUMENTS),
        Setting(MIDDLE, 200.0, 0.5, shape=traces.bursts, deaths=4 * HOUR),
    ]


def _hilly() -> list[Setting]:
    return [
        Setting(SMALL, 4 * HOUR, 0.5, shape=traces.day(6.5), elastic=True),
        Setting(MIDDLE, HOUR, 0.12, shape=traces.day(7.5), elastic=True),
    ]


def _first_alone(world: World) -> float:
    """Return the load that fills 60 % of the first cluster, FIRST's favourite, and no other."""
    fleet = build(world, Clock(), 0)
    return 0.6 * capacity(fleet, 1.0, 1.0, slice(1)) / capacity(fleet, 1.0, 1.0)
