"""How many replicas a model has on each cluster: a pure decision that begins and ends single replicas."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from . import tuning
from .demand import Demand

__all__ = ["Change", "Site", "Unit", "at_least", "lacks", "scale"]


@dataclass(frozen=True, slots=True)
class Unit:
    """One replica as scaling sees it; a successor that waits for its predecessor's end is none.

    Parameters
    ----------
    id
        Its name.
    ready
        Whether it takes requests, or will as soon as it is woken; one that is on its way counts as well.
    running
        Requests that it answers.
    held
        Whether somebody holds it warm, so that it is not to be ended.
    """

    id: str
    ready: bool = True
    running: int = 0
    held: bool = False


@dataclass(frozen=True, slots=True)
class Site:
    """One model on one cluster: what there is, and what there may be.

    Parameters
    ----------
    cluster
        Its name.
    units
        Its replicas, those included that are on their way.
    least, most
        Between how many it may be scaled; a cluster that nobody scales has as many as it has.
    slots
        Requests that one replica answers at once.
    takes
        Seconds from the wish for one more until it is ready.
    room
        How many more its budget allows.
    refused
        Why no more can be had, where that is so.
    spent
        Why what is there is to end, where that is so: its budget is spent.
    """

    cluster: str
    units: tuple[Unit, ...] = ()
    least: int = 0
    most: int | None = None
    slots: int = tuning.SLOTS
    takes: float = 0.0
    room: float = math.inf
    refused: str = ""
    spent: str = ""

    @property
    def is_scaled(self) -> bool:
        """Whether somebody said between how many it is to be."""
        return self.most is not None

    @property
    def more(self) -> int:
        """How many more it can have."""
        if self.most is None or self.refused or self.spent:
            return 0
        return max(0, math.floor(min(self.most - len(self.units), self.room)))


@dataclass(frozen=True, slots=True)
class Change:
    """One replica more of a model on a cluster, or one less.

    Parameters
    ----------
    cluster, model
        Where, and of what.
    replica
        The one that is to end; one more is wanted where None.
    why
        The reason, as a person reads it in the log.
    """

    cluster: str
    model: str
    replica: str | None
    why: str


def scale(model: str, sites: Sequence[Site], demand: Demand) -> list[Change]:
    """Decide which replicas of a model are begun and which are ended.

    It is up to the caller to do all of it, and to ask again when something has changed.

    Parameters
    ----------
    model
        Its id.
    sites
        The clusters that it is on.
    demand
        What is asked of it, as :func:`~first_jupyter_server.federation.demand.follow` returned it just now.
    """
    kept = _keep_warm(model, sites)
    added = [change.cluster for change in kept]
    sites = [_with(site, added.count(site.cluster)) for site in sites]
    more = list(_more(model, sites, demand))
    return [*kept, *more] if kept or more else list(_fewer(model, sites, demand))


def at_least(sites: Sequence[Site], wanted: int) -> list[Site]:
    """Have as many replicas kept in all, where they may be scaled: first where there are some, and soon.

    Parameters
    ----------
    wanted
        As many as somebody needs for a while, as a batch does.
    """
    wanted -= sum(len(site.units) for site in sites if site.most is None)
    kept = {}
    for site in sorted(sites, key=lambda site: (-len(site.units), site.takes)):
        if site.most is not None:
            some = max(0, min(wanted, site.most))
            wanted -= some
            kept[site.cluster] = dataclasses.replace(site, least=max(site.least, some))
    return [kept.get(site.cluster, site) for site in sites]


def lacks(sites: Sequence[Site], demand: Demand) -> bool:
    """Whether there are to be more replicas than can be had."""
    if any(site.more for site in sites):
        return False
    missing = any(len(site.units) < site.least for site in sites)
    slots = sum(site.slots * len(site.units) for site in sites)
    return missing or demand.level > max(tuning.SOMETHING, slots * tuning.FULL_AT)


def _with(site: Site, more: int) -> Site:
    coming = tuple(Unit(f"{site.cluster} +{number}", ready=False) for number in range(more))
    return dataclasses.replace(site, units=(*site.units, *coming), room=site.room - more)


def _keep_warm(model: str, sites: Sequence[Site]) -> list[Change]:
    return [
        Change(site.cluster, model, None, f"{site.least} of it {_are(site.least)} kept warm there")
        for site in sites
        for _ in range(min(site.least - len(site.units), site.more))
    ]


def _more(model: str, sites: Sequence[Site], demand: Demand) -> Iterator[Change]:
    """Ask for replicas until what there will be is enough for what is expected by then."""
    sites = list(sites)
    slots = sum(site.slots * len(site.units) for site in sites)
    while open_sites := [site for site in sites if site.more]:
        site = min(open_sites, key=lambda site: site.takes)
        expected = demand.ahead(site.takes)
        if expected <= slots * tuning.FULL_AT or expected < tuning.SOMETHING:
            return
        sites[sites.index(site)] = _with(site, 1)
        yield Change(
            site.cluster,
            model,
            None,
            f"{demand.level:.0f} requests in flight, {expected:.0f} expected by the time it is ready, "
            f"for {slots} at once",
        )
        slots += site.slots


def _fewer(model: str, sites: Sequence[Site], demand: Demand) -> Iterator[Change]:
    """End the least used replicas that the peak of the last while could have done without."""
    now = demand.at or 0.0
    left = {site.cluster: len(site.units) for site in sites}
    slots = sum(site.slots * len(site.units) for site in sites)
    ending = [(site, unit) for site in sites if site.is_scaled for unit in site.units if not unit.held]
    for site, unit in sorted(ending, key=lambda pair: (not pair[0].spent, pair[1].ready, pair[1].running)):
        if site.spent:
            why = site.spent
        elif left[site.cluster] <= site.least or sum(left.values()) == 1:
            continue
        else:
            lasts = min(max(tuning.DOWN_AFTER, tuning.DOWN_STARTS * site.takes), tuning.PEAKS_KEPT / 2)
            peak = demand.peak(now - lasts)
            if peak > (slots - site.slots) * tuning.ENOUGH_AT:
                continue
            why = f"at most {peak:.0f} requests were in flight in the last {lasts / 60:.0f} min, {slots} fit"
        left[site.cluster] -= 1
        slots -= site.slots
        yield Change(site.cluster, model, unit.id, why)


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
