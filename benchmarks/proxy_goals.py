"""What we want of our proxy, beside what we and the others have."""

from __future__ import annotations

from dataclasses import dataclass

import figures
import peers
from figures import Figure, Results
from targets import FAST, THROUGH_JUPYTER

_TOKENS, _REQUESTS = figures.per_cpu("st256", "tokens"), figures.per_cpu("ns64", "requests")


@dataclass(frozen=True)
class Goal:
    """One figure and its bound.

    Parameters
    ----------
    title
        What it is, with its unit.
    figure, part
        Where it comes from, and which of its percentiles or values it is.
    bound, least
        What it may be at most, or has to be at least.
    ours
        Which of our ports it is about.
    digits
        After the point.
    """

    title: str
    figure: Figure
    bound: float
    part: int = 0
    least: bool = False
    ours: str = FAST
    digits: int = 2

    def of(self, results: Results, name: str) -> float | None:
        """Return a target's figure."""
        values = results.median(self.figure, name)
        return values[self.part] if values else None

    def met(self, value: float) -> bool:
        """Return whether a figure is as wanted."""
        return value >= self.bound if self.least else value <= self.bound


ALL = (
    Goal("added latency, 1 client, p50 ms", figures.added("ns1", "latency_ms"), 0.10, digits=3),
    Goal("added latency, 1 client, p99 ms", figures.added("ns1", "latency_ms"), 0.5, part=1, digits=3),
    Goal(
        "the same through Jupyter's port, p50 ms",
        figures.added("ns1", "latency_ms"),
        1.0,
        ours=THROUGH_JUPYTER,
        digits=3,
    ),
    Goal("added time to first token, 1 client, p50 ms", figures.added("ttft1", "ttft_ms"), 0.25, digits=3),
    Goal("the same at 100 new streams/s, p50 ms", figures.added("mix100", "ttft_ms"), 1.0, digits=3),
    Goal(
        "256 streams × 50 tokens/s: delivered, to direct",  # noqa: RUF001 - as it is said
        figures.relative(figures.per_second("st256"), "direct"),
        0.98,
        least=True,
    ),
    Goal(
        "tokens per CPU second, to nginx (stretch: 0.95)",
        figures.relative(_TOKENS, "nginx"),
        0.85,
        least=True,
    ),
    Goal("the same to vllm-router (stretch: 1.4)", figures.relative(_TOKENS, peers.ROUTER), 1.2, least=True),
    Goal("requests/s per CPU, to nginx", figures.relative(_REQUESTS, "nginx"), 0.5, least=True),
    Goal("the same to vllm-router", figures.relative(_REQUESTS, peers.ROUTER), 2.5, least=True),
    Goal("KB a stream at 1,000 streams (PSS)", figures.kb_per_stream, 8.0, part=1, digits=1),
    Goal("growth over a million requests, MB", figures.growth("proxy"), 1.0),
    Goal(
        "token transit p99 while Jupyter serves a 2 MB notebook, ms",
        figures.value("tokens busy", "transit_ms"),
        10.0,
        part=1,
        digits=1,
    ),
    Goal(
        "`/api/status` p50 with 256 streams, to idle",
        figures.ratio(figures.value("api busy", "latency_ms"), figures.value("api idle", "latency_ms")),
        1.5,
    ),
    Goal(
        "the openai package, a streamed answer: total, to direct",
        figures.relative(figures.value("stock", "latency_ms"), "direct"),
        1.02,
        digits=3,
    ),
    Goal("the openai package: added time to first token, ms", figures.added("stock", "ttft_ms"), 1.0),
    Goal("1,000 clients leave: % still written after 1 s", figures.written(1), 0.0, digits=0),
)


def table(results: Results, names: list[str]) -> str:
    """Return the goals with our figures and those of the others."""
    lines = [["", "goal", "ours", "", *names], ["---"] * (4 + len(names))]
    for goal in ALL:
        ours = goal.of(results, goal.ours)
        if ours is None:
            continue
        verdict = "met" if goal.met(ours) else "**missed**"
        others = [goal.of(results, name) for name in names]
        lines.append(
            [
                goal.title,
                f"{'≥' if goal.least else '≤'} {goal.bound:g}",
                f"{ours:.{goal.digits}f}",
                verdict,
                *("–" if each is None else f"{each:.{goal.digits}f}" for each in others),  # noqa: RUF001
            ]
        )
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
