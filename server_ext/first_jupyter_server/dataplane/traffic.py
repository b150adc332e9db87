"""What all requests know together: who runs what, who fails, who has read what, and who waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from random import Random
from typing import TYPE_CHECKING

from first_jupyter_server.federation import router, tuning
from first_jupyter_server.federation.affinity import Affinity, Trail
from first_jupyter_server.federation.breaker import Breaker
from first_jupyter_server.federation.catalog import Model
from first_jupyter_server.federation.fair import FairLine
from first_jupyter_server.federation.measures import Measures
from first_jupyter_server.federation.wishes import Wishes

if TYPE_CHECKING:
    from .exchange import Exchange

__all__ = ["Traffic"]


class Traffic:
    """Feeds the router with what is measured.

    Parameters
    ----------
    clock
        Returns seconds; tests may have their own.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.breaker = Breaker()
        self.affinity = Affinity()
        self.rules: dict[str, Wishes] = {}
        self._lines: dict[str, FairLine[Exchange]] = {}
        self._measures: dict[str, Measures] = {}
        self._chance = Random()  # noqa: S311  # it spreads load

    def measures(self, model: str) -> Measures:
        """Return what is measured of a model."""
        measures = self._measures.get(model)
        if measures is None:
            measures = self._measures[model] = Measures(self.breaker)
        return measures

    def line(self, model: str) -> FairLine[Exchange]:
        """Return the requests that wait for a model."""
        line = self._lines.get(model)
        if line is None:
            line = self._lines[model] = FairLine()
        return line

    def lines(self) -> list[FairLine[Exchange]]:
        """Return the lines for all models."""
        return list(self._lines.values())

    def decide(self, model: Model, wishes: Wishes, trail: Trail, tried: Collection[str]) -> router.Decision:
        """Choose where a request goes as things stand."""
        now = self.clock()
        is_alone = len(model.places) == 1 and len(model.places[0].replicas) == 1
        return router.decide(
            model,
            wishes,
            self.measures(model.id).at(now),
            stays_with=None if is_alone else self.affinity.find(model.id, trail, now),
            tried=tried,
            chance=self._chance,
        )

    def wait_in_line(self, model: Model, wishes: Wishes, label: str) -> float:
        """Estimate the seconds until one more request of a notebook would leave the line for a model."""
        measures, rate = self.measures(model.id), 0.0
        for place in model.places:
            if place.replicas and not router.excluded(place, wishes):
                slots = sum(replica.slots or tuning.SLOTS for replica in place.replicas)
                rate += slots / (measures.service("", place.cluster) or tuning.SERVICE)
        ahead = self.line(model.id).ahead(label)
        return (ahead + 1) / rate if rate else float("inf")

    def forget(self, alive: set[str]) -> None:
        """Drop what is known of replicas that are no more."""
        self.breaker.forget(alive)
