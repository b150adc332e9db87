"""Carries out what scaling decides: begins, ends and keeps replicas, and tells of each step in the log."""

from __future__ import annotations

import asyncio
import logging
import math
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from first_jupyter_server.clusters.queue_words import clock
from first_jupyter_server.clusters.scalable import Scalable
from first_jupyter_server.clusters.succession import lead

from . import tuning
from .catalog import Catalog, Counts, Model, Place
from .demand import Demand, follow
from .purse import Purse
from .scaling import Change, Site, at_least, lacks, scale
from .setbacks import Setbacks
from .survey import in_flight, units
from .terms import Key, Terms

if TYPE_CHECKING:
    from .federation import Federation

__all__ = ["Scaler"]

LOOKS_AFTER = 2.0
"""Seconds from news until what follows from it is done."""

LOOKS_AGAIN = 5.0
"""Seconds between two looks while there are requests, or more replicas than are kept warm."""

KEPT = 3600.0
"""Seconds for which a replica is kept warm at a time, so that none outlives its server for longer."""


class Scaler:
    """Looks after all models that somebody scales.

    Parameters
    ----------
    federation
        Where the replicas are.
    terms
        What the federation file says of each model on each cluster.
    purse
        What may be spent.
    log
        The server's.
    """

    def __init__(
        self, federation: Federation, terms: Mapping[Key, Terms], purse: Purse, log: logging.Logger
    ) -> None:
        self._federation, self._terms, self._purse, self._log = federation, terms, purse, log
        self._demand: dict[str, Demand] = {}
        self._counts: Counts = {}
        self._running: Mapping[str, int] = {}
        self._wanted: Mapping[str, int] = {}
        self._kept: dict[str, float] = {}
        self._let_go: set[Key] = set()
        self._notes: dict[Key, str] = {}
        self._setbacks = Setbacks()
        self._timer: asyncio.TimerHandle | None = None
        self._open = False

    # what it is told

    def start(self) -> None:
        """Begin; what an earlier server left running is known by now."""
        self._open = self._purse.is_limited or any(said.most is not None for said in self._terms.values())
        self._look_in(0.0)

    def load(self, counts: Counts, running: Mapping[str, int]) -> None:
        """Take what the data plane reports: requests by model and cluster, and by replica."""
        self._counts, self._running = counts, running
        self._look_in(LOOKS_AFTER)

    def batches_want(self, replicas: Mapping[str, int]) -> None:
        """Take how many replicas batches want, by model, for as long as they say so."""
        self._wanted = replicas
        self._look_in(0.0)

    def changed(self, old: Catalog, new: Catalog) -> None:
        """Take note that the catalog has changed."""
        self._look_in(LOOKS_AFTER)

    async def close(self) -> None:
        """End, and write down what was spent."""
        self._open = False
        if self._timer is not None:
            self._timer.cancel()
        if self._purse.is_limited:
            await self._save()

    # what the federation asks

    def refusal(self, model: str, cluster: str) -> str:
        """Return why no replica of a model may be started on a cluster; nothing where one may."""
        return self._purse.refusal((cluster, model))

    def note(self, model: str, cluster: str) -> str:
        """Return what there is to say of a model on a cluster besides its state."""
        return self._notes.get((cluster, model), "")

    def wanted(self, model: str, cluster: str) -> None:
        """Take note that somebody started a model, which may be kept warm again."""
        self._let_go.discard((cluster, model))

    def unwanted(self, model: str, cluster: str) -> None:
        """Take note that somebody stopped a model: it is not kept warm until it is started again."""
        self._let_go.add((cluster, model))

    # a look

    def _look_in(self, seconds: float) -> None:
        if not self._open or seconds == math.inf:
            return
        loop = asyncio.get_running_loop()
        if self._timer is not None and self._timer.when() <= loop.time() + seconds:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        now = time.time()
        catalog = self._federation.catalog()
        if self._purse.look(catalog.models, now) and self._purse.is_limited:
            self._federation.do(self._save())
        notes, self._notes = self._notes, {}
        waits = [self._see(model, now) for model in catalog.models if self._is_scaled(model)]
        if self._notes != notes:
            self._federation.changed()
        self._look_in(min((*waits, self._purse.wait(now))))

    def _is_scaled(self, model: Model) -> bool:
        said = [self._terms.get((place.cluster, model.id)) for place in model.places]
        return any(each is not None and each.most is not None for each in said)

    def _see(self, model: Model, now: float) -> float:
        """Do what is to be done about one model; return the seconds until it is to be looked at again."""
        asked = in_flight(model.id, self._counts)
        demand = follow(self._demand.get(model.id, Demand()), asked, time.monotonic())
        self._demand[model.id] = demand
        sites = {place.cluster: self._site(model, place, now) for place in model.places if not place.barred}
        missing = {name: site.least - len(site.units) for name, site in sites.items()}
        wanted = at_least(list(sites.values()), self._wanted.get(model.id, 0))
        for change in scale(model.id, wanted, demand):
            keep = change.replica is None and missing[change.cluster] > 0
            missing[change.cluster] -= keep
            self._do(change, self._hold(change, now) if keep else None)
        for place in model.places:
            if place.cluster in sites:
                self._keep(place, model.id, sites[place.cluster], now)
        self._note(model.id, wanted, demand, now)
        return min(self._waits(model, wanted, demand, now))

    def _site(self, model: Model, place: Place, now: float) -> Site:
        key = place.cluster, model.id
        said = self._terms.get(key)
        there = units(place, self._running, now)
        if said is None or said.most is None:
            slots = said.slots if said is not None else tuning.SLOTS
            return Site(place.cluster, there, slots=slots)
        self._setbacks.look(key, there, place.reason, now)
        warm = key not in self._let_go and said.warm_until(now, self._lead(key)) is not None
        refused = self._purse.refusal(key)
        return Site(
            place.cluster,
            there,
            least=said.least if warm else 0,
            most=said.most,
            slots=said.slots,
            takes=self._takes(key, place),
            room=self._purse.room(key),
            refused=refused or self._setbacks.why(key, now),
            spent=refused if self._purse.is_spent(key) else "",
        )

    def _do(self, change: Change, hold: float | None) -> None:
        cluster = self._cluster(change.cluster)
        if cluster is None:
            return
        key = change.cluster, change.model
        if change.replica is None:
            self._log.info("Scaling: one more of %s on %s: %s", change.model, change.cluster, change.why)
            self._purse.asks(key)
            self._federation.do(cluster.add(change.model, hold))
        else:
            self._log.info("Scaling: %s on %s ends: %s", change.replica, change.cluster, change.why)
            self._setbacks.forget(key, change.replica)
            self._federation.do(cluster.end(change.replica))

    def _keep(self, place: Place, model: str, site: Site, now: float) -> None:
        """Hold as many as are kept warm, those first that are held already; none once the budget is spent."""
        held = {lease.replica: lease.held_until or 0.0 for lease in place.leases}
        until = self._warm_until((place.cluster, model), now)
        cluster = self._cluster(place.cluster)
        if until is None or cluster is None or site.spent:
            return
        ready = sorted((unit for unit in site.units if unit.ready), key=lambda unit: not unit.held)
        for unit in ready[: site.least]:
            kept = self._kept.get(unit.id, 0.0)
            # A moment further ahead than we ever keep one is one of a clock that has been set back since.
            left = max(held[unit.id], kept if kept <= now + KEPT else 0.0) - now
            wanted = min(until - now, KEPT)
            if wanted - max(0.0, left) > min(KEPT / 2, wanted / 2):
                self._kept[unit.id] = now + wanted
                self._federation.do(cluster.keep(unit.id, wanted))

    def _hold(self, change: Change, now: float) -> float | None:
        until = self._warm_until((change.cluster, change.model), now)
        return None if until is None else min(until - now, KEPT)

    def _note(self, model: str, sites: Sequence[Site], demand: Demand, now: float) -> None:
        """Say what people would ask about: why there are no more, and until when it is kept warm."""
        more_wanted = lacks(sites, demand)
        for site in sites:
            key = site.cluster, model
            said = self._terms.get(key)
            if said is None or said.most is None:
                continue
            notes = [f"no more of it: {site.refused}"] if more_wanted and site.refused else []
            if said.schedule is not None and key not in self._let_go:
                until = self._warm_until(key, now)
                begins = said.schedule.begins(now)
                when = f"from {clock(begins, now)} on" if until is None else f"until {clock(until, now)}"
                notes.append(f"kept warm {when}")
            self._notes[key] = "; ".join(notes)

    # what it goes by

    def _warm_until(self, key: Key, now: float) -> float | None:
        said = self._terms.get(key)  # of a server of others there are none
        return None if said is None or key in self._let_go else said.warm_until(now, self._lead(key))

    def _cluster(self, name: str) -> Scalable | None:
        found = next((each for each in self._federation.clusters if each.name == name), None)
        return found if isinstance(found, Scalable) else None

    def _took(self, key: Key) -> list[float]:
        cluster = self._cluster(key[0])
        return [] if cluster is None else list(cluster.took(key[1]))

    def _takes(self, key: Key, place: Place) -> float:
        took = self._took(key)
        usual = tuning.READY.get((place.kind, "cold"), tuning.READY_ELSEWHERE["cold"])
        return statistics.median(took) if took else usual

    def _lead(self, key: Key) -> float:
        return lead(self._took(key), None)

    # when to look again

    def _waits(self, model: Model, sites: list[Site], demand: Demand, now: float) -> Iterator[float]:
        replicas = sum(len(site.units) for site in sites)
        kept = max(1, sum(site.least for site in sites))
        if replicas > kept or demand.level > tuning.SOMETHING / 10 or in_flight(model.id, self._counts):
            yield LOOKS_AGAIN
        if any(site.least and len(site.units) < site.least for site in sites):
            yield LOOKS_AGAIN
        yield KEPT / 4
        for site in sites:
            key = site.cluster, model.id
            said = self._terms.get(key)
            if said is not None and said.schedule is not None:
                begins, ends = said.warm_from(now, self._lead(key)), said.schedule.ends(now)
                yield from (at - now for at in (begins, ends) if at is not None and at > now)

    async def _save(self) -> None:
        try:
            await asyncio.to_thread(self._purse.save)
        except OSError as error:
            self._log.warning("What was used today could not be written down: %s", error)
