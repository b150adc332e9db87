"""The federation as it lives: clusters merged into one catalog, and everyone told when it changes."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from first_jupyter_server.allow import AllowLists
from first_jupyter_server.background import Background
from first_jupyter_server.clusters.base import Cluster, Offer
from first_jupyter_server.clusters.scalable import Scalable
from first_jupyter_server.errors import ApiError

from .catalog import Catalog, Model, Place, State, barred, lease_of
from .choice import read_choice, write_choice
from .router import waits_for

__all__ = ["Federation", "Limits", "merge"]

TOLD_EVERY = 0.1
"""Seconds between two catalogs that are told, so that a busy start does not flood its listeners."""


class Limits(Protocol):
    """What keeps models from being started, and what else is known of their replicas' number."""

    def refusal(self, model: str, cluster: str) -> str:
        """Return why no replica of a model may be started on a cluster; nothing where one may."""

    def note(self, model: str, cluster: str) -> str:
        """Return what there is to say of a model on a cluster besides its state."""

    def wanted(self, model: str, cluster: str) -> None:
        """Take note that somebody started a model."""

    def unwanted(self, model: str, cluster: str) -> None:
        """Take note that somebody stopped a model."""


class Federation:
    """All clusters of one user.

    Parameters
    ----------
    problems
        What is wrong with the federation file, for the status and for errors.
    allow
        What may be used here.
    choice_file
        Where the current choice is kept.
    log
        Where it is told what could not be done.
    """

    def __init__(
        self, *, problems: Sequence[str], allow: AllowLists, choice_file: Path, log: logging.Logger
    ) -> None:
        self._clusters: dict[str, Cluster] = {}
        self._problems = tuple(problems)
        self._allow = allow
        self._choice_file = choice_file
        self._choice = read_choice(choice_file)
        self._log = log
        self._listeners: list[Callable[[Catalog, Catalog], None]] = []
        self._heeding: list[Callable[[Catalog], None]] = []
        self._told = Catalog()
        self._telling: asyncio.TimerHandle | None = None
        self._background = Background(log)
        self._refused: dict[tuple[str, str], float] = {}
        self.limits: Limits | None = None

    def add(self, cluster: Cluster) -> None:
        """Add a cluster; where another one has its name, that one stays."""
        if cluster.name in self._clusters:
            self._log.error("Two clusters are called %s; the first one is used.", cluster.name)
        self._clusters.setdefault(cluster.name, cluster)

    @property
    def clusters(self) -> Sequence[Cluster]:
        """All of them."""
        return tuple(self._clusters.values())

    def listen(self, listener: Callable[[Catalog, Catalog], None]) -> Callable[[], None]:
        """Have a function called with the old and the new catalog at each change; return how to end that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def heed(self, listener: Callable[[Catalog], None]) -> None:
        """Have a function called with the catalog whenever a cluster has news, of its models or not."""
        self._heeding.append(listener)

    def catalog(self) -> Catalog:
        """Return the catalog as it is now."""
        models = merge(
            _told(cluster, self._limited(self._allowed(offer)))
            for cluster in self._clusters.values()
            for offer in cluster.offers()
        )
        ids = [model.id for model in models]
        current = self._choice if self._choice in ids else next(iter(ids), None)
        return Catalog(models=models, current=current, problems=self._problems)

    def changed(self) -> None:
        """Tell the listeners soon; clusters call this."""
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(TOLD_EVERY, self._tell)

    def _tell(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        old, self._told = self._told, self.catalog()
        if self._told != old:
            for listener in tuple(self._listeners):
                listener(old, self._told)
        for heeding in self._heeding:
            heeding(self._told)

    def start(self, name: str, cluster: str | None = None, hold: float | None = None) -> Model:
        """Have a model started where it will be ready soonest, or the replica that is there taken.

        Parameters
        ----------
        name, cluster
            Which model, and where if not anywhere.
        hold
            Seconds for which it is kept warm once it is ready, used or not.

        Raises
        ------
        ApiError
            404 where there is no such model or cluster, 403 where it may not be used, 429 where the budget
            is spent.
        """
        model, place = self._place(name, cluster)
        if self.limits is not None:
            self.limits.wanted(model.id, place.cluster)
            if not place.leases and (why := self.limits.refusal(model.id, place.cluster)):
                self._refused[model.id, place.cluster] = time.time()
                self.changed()
                message = f"{model.id} was not started on {place.cluster}: {why}."
                raise ApiError(429, message, kind="rate_limit_error", code="budget_spent", param="model")
        self.do(self._clusters[place.cluster].start(model.id, hold))
        return model

    def stop(self, name: str, cluster: str | None = None, replica: str | None = None) -> Model:
        """Have a model's replicas ended, on all its clusters unless one is named, or one of them alone.

        Raises
        ------
        ApiError
            404 where there is no such model, cluster or replica, 409 where it is not ours to stop.
        """
        model, places = self.places(name, cluster)
        if replica is not None:
            self._end(model, places, replica)
            return model
        asked = [self._clusters[place.cluster] for place in places]
        if all(each.unstoppable for each in asked):
            why = "; ".join(f"{each.name}: {each.unstoppable}" for each in asked)
            raise ApiError(409, f"{model.id} was not stopped. {why}.", code="not_ours_to_stop")
        for each in asked:
            if not each.unstoppable:
                if self.limits is not None:
                    self.limits.unwanted(model.id, each.name)
                self.do(each.stop(model.id))
        return model

    def _end(self, model: Model, places: Sequence[Place], replica: str) -> None:
        place, _ = lease_of(model, places, replica)
        cluster = self._clusters[place.cluster]
        if not isinstance(cluster, Scalable):
            message = f"{cluster.name} ends all replicas of a model or none: stop {model.id} there."
            raise ApiError(409, message, code="not_ours_to_stop")
        others = [lease for lease in place.leases if lease.replica != replica and lease.stage != "draining"]
        if self.limits is not None and not others:
            self.limits.unwanted(model.id, place.cluster)
        self.do(cluster.end(replica))

    def cluster(self, name: str) -> Cluster:
        """Return one by its name."""
        return self._clusters[name]

    def use(self, name: str) -> Model:
        """Make a model the current choice, and tell the listeners: a request that follows goes to it.

        Raises
        ------
        ApiError
            404 where there is no such model.
        """
        model, _ = self.catalog().resolve(name)
        self._choice = model.id
        self.do(asyncio.to_thread(self._keep_choice, model.id))
        self._tell()
        return model

    def unreachable(self, replica: str, reason: str) -> None:
        """Pass on that a replica did not take a request."""
        for cluster in self._clusters.values():
            cluster.unreachable(replica, reason)

    async def open(self) -> None:
        """Have the clusters take up what an earlier server left running."""
        await asyncio.gather(*(cluster.open() for cluster in self._clusters.values()))

    async def close(self) -> None:
        """Leave all clusters."""
        if self._telling is not None:
            self._telling.cancel()
        await asyncio.gather(*(cluster.close() for cluster in self._clusters.values()))
        await self._background.finish()

    def places(self, name: str, cluster: str | None = None) -> tuple[Model, Sequence[Place]]:
        """Return a model and its places, or the one on the cluster that is named.

        Raises
        ------
        ApiError
            404 where there is no such model or cluster.
        """
        catalog = self.catalog()
        model, pinned = catalog.resolve(f"{catalog.resolve(name)[0].id}@{cluster}" if cluster else name)
        return model, [place for place in model.places if pinned in (None, place.cluster)]

    def _place(self, name: str, cluster: str | None) -> tuple[Model, Place]:
        model, asked = self.places(name, cluster)
        usable = tuple(place for place in asked if not place.barred)
        if not usable:
            raise barred(model, asked)
        return model, waits_for(dataclasses.replace(model, places=usable), None)

    def _allowed(self, offer: Offer) -> Offer:
        """Take away what may not be used, and say why; that it is there stays visible."""
        place = offer.place
        why = self._allow.barred(place.cluster, place.kind, offer.id)
        if not why:
            return offer
        closed = Place(
            place.cluster, place.kind, place.backend, State.OFFLINE, why, barred=True, startable=False
        )
        return dataclasses.replace(offer, place=closed)

    def _limited(self, offer: Offer) -> Offer:
        """Say where the budget keeps a model from being started, and what else is known of its number."""
        if self.limits is None or offer.place.barred:
            return offer
        place, key = offer.place, (offer.id, offer.place.cluster)
        if not place.leases and (why := self.limits.refusal(*key)):
            ended = max(filter(None, (place.ended, self._refused.get(key))), default=None)
            place = dataclasses.replace(
                place, state=State.OFFLINE, reason=why, ended=ended, again=False, startable=False
            )
        elif note := self.limits.note(*key):
            place = dataclasses.replace(place, reason="; ".join(filter(None, (place.reason, note))))
        return dataclasses.replace(offer, place=place)

    def _keep_choice(self, model: str) -> None:
        try:
            write_choice(self._choice_file, model)
        except OSError as error:
            self._log.warning(
                "The choice of %s could not be written to %s: %s", model, self._choice_file, error
            )

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something in the background; a failure is logged."""
        self._background.do(work)


def _told(cluster: Cluster, offer: Offer) -> Offer:
    """Say what its cluster says of all its models."""
    return dataclasses.replace(offer, place=dataclasses.replace(offer.place, unstoppable=cluster.unstoppable))


def _is_barred(model: Model) -> bool:
    return all(place.barred for place in model.places)


def merge(offers: Iterable[Offer]) -> tuple[Model, ...]:
    """Merge what the clusters offer into models, in the order in which they are first offered."""
    models: dict[str, list[Offer]] = {}
    for offer in offers:
        models.setdefault(offer.id, []).append(offer)
    return tuple(
        Model(
            id=name,
            aliases=tuple(dict.fromkeys(alias for offer in same for alias in offer.aliases)),
            abilities=tuple(dict.fromkeys(ability for offer in same for ability in offer.abilities)),
            context=max((offer.context for offer in same if offer.context is not None), default=None),
            places=tuple(
                dataclasses.replace(offer.place, abilities=offer.abilities, context=offer.context)
                for offer in same
            ),
        )
        for name, same in models.items()
    )
