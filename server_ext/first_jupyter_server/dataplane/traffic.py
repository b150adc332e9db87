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
from first_jupyter_server.federation.room import Room
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
        self._rows: dict[str, FairLine[Exchange]] = {}
        self._measures: dict[str, Measures] = {}
        self._rooms: dict[str, Room] = {}
        self._chance = Random()  # noqa: S311  # it spreads load

    def measures(self, model: str) -> Measures:
        """Return what is measured of a model."""
        measures = self._measures.get(model)
        if measures is None:
            measures = self._measures[model] = Measures(self.breaker)
        return measures

    def room(self, model: str) -> Room:
        """Return what room there is for rows of batches."""
        room = self._rooms.get(model)
        if room is None:
            room = self._rooms[model] = Room(self.measures(model))
        return room

    def line(self, model: str) -> FairLine[Exchange]:
        """Return the requests that wait for a model."""
        line = self._lines.get(model)
        if line is None:
            line = self._lines[model] = FairLine()
        return line

    def rows(self, model: str) -> FairLine[Exchange]:
        """Return the rows of batches that wait for a model: their turn is after all others'."""
        line = self._rows.get(model)
        if line is None:
            line = self._rows[model] = FairLine()
        return line

    def models(self) -> list[str]:
        """Return the models for which something waits, or has waited."""
        return list({**self._lines, **self._rows})

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

    def decide_row(self, model: Model, wishes: Wishes, tried: Collection[str]) -> router.Decision:
        """Choose where a row of a batch goes: only where it holds up nobody, and without being remembered."""
        view = self.room(model.id).at(self.clock(), model)
        return router.decide(model, wishes, view, tried=tried, chance=self._chance)

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
