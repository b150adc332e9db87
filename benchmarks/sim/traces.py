"""Who asks when, and how much: arrivals and lengths, the same for every policy of a run.

* Lengths of ``CHAT`` are BurstGPT's GPT-4 conversations (Wang et al., KDD 2025), by the percentiles that
  Llumnix gives (Sun et al., OSDI 2024, table 1): prompts 582, 1,427, 2,345, 3,549 and answers 243, 434, 669,
  964 tokens at 50, 80, 95 and 99 %. Arrivals are BurstGPT's too: gamma-distributed gaps of shape 0.5, the
  default of its generator (HPMLL/BurstGPT, example/src/burstgpt/config.py).
* ``DOCUMENTS`` has the means of Mooncake's conversation trace (Qin et al., FAST 2025): 12,035 tokens read,
  343 written, 40 % of what is read known from before.
* A conversation has two turns on average (LMSYS-Chat-1M, ICLR 2024); each repeats all before it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from .server import Job

if TYPE_CHECKING:
    from random import Random

__all__ = ["CHAT", "DOCUMENTS", "Lengths", "Shape", "bursts", "day", "poisson", "requests"]

_SHARES = (0.0, 0.5, 0.8, 0.95, 0.99, 1.0)
_THINKS = 40.0
"""Seconds from one answer of a conversation to the next question, in the mean; no trace tells it."""
_ANSWERS = 8.0
"""Seconds that the answer before it is taken to last, so that all policies get the same requests."""

Shape = Callable[[float], float]
"""How many times the mean rate holds at a moment."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """The lengths of a trace.

    Parameters
    ----------
    prompts, outputs
        Tokens at the shares of :data:`_SHARES`.
    turns
        Requests of a conversation, in the mean.
    """

    prompts: tuple[float, ...]
    outputs: tuple[float, ...]
    turns: float = 2.0

    def draw(self, chance: Random) -> tuple[float, float]:
        """Return a first prompt's and an answer's length."""
        return _quantile(self.prompts, chance.random()), _quantile(self.outputs, chance.random())

    def mean(self) -> tuple[float, float]:
        """Return the means of first prompts and of answers."""
        return _mean(self.prompts), _mean(self.outputs)


CHAT = Lengths((20, 582, 1427, 2345, 3549, 6000), (10, 243, 434, 669, 964, 1500))
DOCUMENTS = Lengths((2000, 8000, 18000, 30000, 45000, 80000), (20, 320, 530, 750, 1000, 1500), turns=1.7)


def poisson(_: float) -> float:
    """Return the same rate at all times."""
    return 1.0


def bursts(at: float) -> float:
    """Return three times the usual rate for one minute in five."""
    return 15 / 7 if at % 300.0 >= 240.0 else 5 / 7


def day(begins: float) -> Shape:
    """Return a working day from some hour on: a quiet night, a rise, two peaks and a noon between them."""

    def shape(at: float) -> float:
        hour = begins + at / 3600.0
        work = math.exp(-(((hour - 10.5) / 2.2) ** 2)) + 0.9 * math.exp(-(((hour - 15.5) / 2.2) ** 2))
        return 0.1 + 0.9 * work

    return shape


def requests(
    chance: Random, lengths: Lengths, rate: float, until: float, *, shape: Shape, gaps: float
) -> list[Job]:
    """Return all requests, by the moment of their arrival.

    Parameters
    ----------
    lengths
        How long prompts and answers are.
    rate
        Requests a second, times the shape.
    until
        Seconds.
    shape
        How the rate changes.
    gaps
        The gamma distribution's shape: 1 is Poisson, less is burstier.
    """
    jobs: list[Job] = []
    more = 1.0 - 1.0 / lengths.turns
    for number, begins in enumerate(_arrivals(chance, rate / lengths.turns, until, shape, gaps)):
        at = begins
        prompt, output = lengths.draw(chance)
        while at < until:
            jobs.append(Job(at, number, prompt, output))
            if chance.random() >= more:
                break
            at += _ANSWERS + chance.expovariate(1.0 / _THINKS)
            prompt += output + chance.expovariate(1.0 / 70.0)
            output = _quantile(lengths.outputs, chance.random())
    jobs.sort(key=lambda job: job.at)
    return jobs


def _arrivals(chance: Random, rate: float, until: float, shape: Shape, gaps: float) -> Iterator[float]:
    at = 0.0
    while True:
        at += chance.gammavariate(gaps, 1.0 / gaps) / (rate * shape(at))
        if at >= until:
            return
        yield at


def _quantile(at: tuple[float, ...], share: float) -> float:
    for (low, high), (less, more) in zip(pairwise(_SHARES), pairwise(at), strict=True):
        if share <= high:
            return less + (more - less) * (share - low) / (high - low)
    return at[-1]


def _mean(at: tuple[float, ...]) -> float:
    return sum(
        (high - low) * (less + more) / 2
        for (low, high), (less, more) in zip(pairwise(_SHARES), pairwise(at), strict=True)
    )
