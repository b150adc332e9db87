"""What was measured, and the figures made of it: differences and ratios within a round."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_ENOUGH = 100_000
"""Requests, after which memory says how it goes on."""

Result = dict[str, Any]
Round = dict[str, dict[str, Result]]
"""What the load generator reported, by scenario and target."""

Figure = Callable[[Round, str], list[float]]
"""One cell of one round: a target's value, or its 50th and 99th percentile."""


@dataclass
class Results:
    """Rounds that have been measured, and under which circumstances.

    Parameters
    ----------
    rounds
        One for each time that everything was started afresh.
    foreign
        Of each turn, which part of the measured CPU others took.
    preferred
        Whether the measured processes ran at raised priority.
    peers
        The other proxies with their versions.
    """

    rounds: list[Round] = field(default_factory=list)
    foreign: list[float] = field(default_factory=list)
    preferred: bool = False
    peers: str = ""

    @classmethod
    def read(cls, path: Path | None) -> Results:
        """Return what a file has; nothing where there is none."""
        return cls(**json.loads(path.read_text())) if path and path.exists() else cls()

    def write(self, path: Path | None) -> None:
        """Keep it in a file."""
        if path:
            path.write_text(json.dumps(dataclasses.asdict(self)))

    def failures(self) -> Iterator[tuple[str, str]]:
        """Yield each target that failed at something, and what it failed at."""
        for one in self.rounds:
            for scenario, results in one.items():
                for name, result in results.items():
                    if text := failure(result):
                        yield name, f"{name}, {scenario}: {text}"

    def median(self, figure: Figure, name: str) -> list[float] | None:
        """Return the median over those rounds that have the figure; None where a target lacks it."""
        found = []
        for one in self.rounds:
            try:
                found.append(figure(one, name))
            except (KeyError, TypeError, ZeroDivisionError, statistics.StatisticsError):
                continue
        return [statistics.median(part) for part in zip(*found, strict=True)] if found else None


def failure(result: Result) -> str:
    """Return what went wrong, in words."""
    if "told" in result:
        return str(result["told"])
    if result["failed"]:
        everything = result["failed"] + result["requests"]
        return f"{result['failed']} of {everything} failed ({result['failures'][0]})"
    return ""


def value(scenario: str, key: str) -> Figure:
    """Return what was reported under a key."""
    return lambda one, name: one[scenario][name][key]


def added(scenario: str, key: str) -> Figure:
    """Return what a target adds to a direct connection; for the direct one, what that takes."""

    def figure(one: Round, name: str) -> list[float]:
        base = one[scenario]["direct"][key] if name != "direct" else (0.0, 0.0)
        return [mine - other for mine, other in zip(one[scenario][name][key], base, strict=True)]

    return figure


def per_cpu(scenario: str, what: str) -> Figure:
    """Return requests or tokens a second of the proxy's CPU time."""
    return lambda one, name: [one[scenario][name][what] / one[scenario][name]["cpu"]["proxy"]]


def cpu_per(scenario: str, what: str, many: float, *roles: str) -> Figure:
    """Return the CPU seconds for many requests or tokens."""

    def figure(one: Round, name: str) -> list[float]:
        result = one[scenario][name]
        return [many * sum(result["cpu"][role] for role in roles) / result[what]]

    return figure


def relative(figure: Figure, to: str) -> Figure:
    """Return a figure as a ratio to another target's."""
    return lambda one, name: [figure(one, name)[0] / figure(one, to)[0]]


def ratio(above: Figure, below: Figure) -> Figure:
    """Return the ratio of two figures of the same target."""
    return lambda one, name: [above(one, name)[0] / below(one, name)[0]]


def per_second(scenario: str) -> Figure:
    """Return the tokens delivered a second."""
    return lambda one, name: [one[scenario][name]["tokens"] / one[scenario][name]["seconds"]]


def kb_per_stream(one: Round, name: str) -> list[float]:
    """Return what a stream takes, as RSS and PSS."""
    result = one["memory"][name]
    idle, loaded = result["idle_kb"]["proxy"], result["loaded_kb"]["proxy"]
    streams = result["requests"] + result["failed"]
    return [(loaded[kind] - idle[kind]) / streams for kind in ("rss", "pss")]


def growth(role: str) -> Figure:
    """Return by how many MB processes grew a million requests, once a tenth of all requests was done."""

    def figure(one: Round, name: str) -> list[float]:
        kept = one["flat"][name]["kept_kb"]
        done = kept[-1][0]
        if done < _ENOUGH:
            raise KeyError(f"{done} requests say nothing of a million")
        late = [(count, memory[role]["pss"]) for count, memory in kept if count >= done / 10]
        slope = statistics.linear_regression(*zip(*late, strict=True)).slope
        return [slope * 1e6 / 1024]

    return figure


def written(seconds: int) -> Figure:
    """Return for how many per cent of the clients that left streams are still written so long after."""

    def figure(one: Round, name: str) -> list[float]:
        result = one["leaving"][name]
        return [100 * result["written"][(0, 1, 5).index(seconds)] / result["clients"]]

    return figure
