"""Where one request goes: what it wishes, what it tried, and when there is no sense in going on."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from first_jupyter_server.errors import ApiError
from first_jupyter_server.federation import router, tuning
from first_jupyter_server.federation.catalog import Catalog, Model, Place, Replica, barred
from first_jupyter_server.federation.wishes import Wishes

from . import headers as forwarded
from . import refusals
from .turned_away import PASSING, TurnedAway

if TYPE_CHECKING:
    from .body import Asked
    from .plane import DataPlane
    from .request import Request

__all__ = ["Choosing"]

_NOBODY: frozenset[str] = frozenset()


class Choosing:
    """The decisions on one request.

    Parameters
    ----------
    plane
        The data plane: the catalog and the traffic.
    request, asked
        The client's request, and what its body says.
    request_id, label, batch
        Its id, its notebook's label, and the batch that it is a row of, if it is.

    Raises
    ------
    ApiError
        Where there is no such model, or no such cluster.
    """

    __slots__ = (
        *("_again", "_asked", "_backends", "_ended_before", "_failed_start", "_lost", "_own", "_plane"),
        *(
            "_resolved_by",
            "_resting",
            "_ruled_by",
            "_started",
            "_traffic",
            "_tried",
            "_tries",
            "_wishes",
            "arrived",
            "batch",
            "label",
        ),
        *("last", "model", "request_id"),
    )

    def __init__(
        self, plane: DataPlane, request: Request, asked: Asked, request_id: str, *, label: str, batch: str
    ) -> None:
        self._plane = plane
        self._traffic = plane.traffic
        self._asked = asked
        self.request_id = request_id
        self.label = label
        self.batch = batch
        self.arrived = time.time()
        self._own = forwarded.wishes_of(request, plane.clusters)
        self._tries = 0
        self._lost = 0
        # Sets that nearly always stay empty: thousands of requests share one.
        self._resting: frozenset[str] = _NOBODY
        self._tried: frozenset[str] = _NOBODY
        self._started: frozenset[str] = _NOBODY
        self._ended_before: dict[str, float] | None = None
        self._again = 0
        self._backends: frozenset[str] | None = None
        self._failed_start: Place | None = None
        self._resolved_by: Catalog | None
        self._settle()
        self.last: router.Decision | None = None

    def decide(self) -> router.Decision:
        """Decide anew, as things stand.

        Raises
        ------
        ApiError
            Where there is no sense in waiting, or no model of that name any more.
        """
        if self._resolved_by is not self._plane.catalog or self._ruled_by is not self._traffic.rules:
            before = self.model.id
            self._settle()
            if self.model.id != before:  # it asked for the current choice, which has changed
                self._started = _NOBODY
        self._notice_ends()
        out = self._tried | self._resting
        if self.batch:
            decision = self._traffic.decide_row(self.model, self._wishes, {*out, *self._by_globus_compute()})
        else:
            decision = self._traffic.decide(self.model, self._wishes, self._asked.trail, out)
            self._plane.decisions.keep(self.request_id, self.label, self.arrived, decision)
        self.last = decision
        if decision.why is router.Why.NOWHERE:
            self._give_up_where_pointless(decision)
        return decision

    def starts(self, decision: router.Decision) -> str | None:
        """Return the cluster that is to be told to start the model for this request, if one is.

        A request that waits has it started elsewhere too only where that would be much sooner.
        """
        place = decision.start
        if place is None or place.cluster in self._started:
            return None
        seconds = {candidate.place.cluster: candidate.seconds for candidate in decision.candidates}
        known = [waited for cluster in self._started if (waited := seconds.get(cluster)) is not None]
        soonest = seconds[place.cluster]
        if known and (soonest is None or min(known) < soonest * tuning.START_ELSEWHERE):
            return None
        self._started |= {place.cluster}
        return place.cluster

    # what has happened to the request

    def refused(self, replica: Replica) -> None:
        """Leave a replica alone for a while that took no connection: nothing was sent."""
        self._resting |= {replica.id}

    def lost(self, route: router.Route) -> ApiError | None:
        """Leave a replica alone for a while that broke off; return what to say where all of them do."""
        self._resting |= {route.replica.id}
        self._tries += 1
        self._lost += 1
        if self._lost >= tuning.LOST:
            return refusals.breaks_replicas(self.model.id, route.place.cluster, self._lost)
        return None

    def waits_for(self, replica: Replica) -> bool:
        """Leave a replica alone whose model is being started; return whether to wait for it."""
        self._resting |= {replica.id}
        self._tries += 1
        return self._tries < tuning.TRIES

    def turned_away(self, replica: Replica) -> bool:
        """Never go back to a replica that would not serve the request; return whether to try another one."""
        self._tried |= {replica.id}
        self._tries += 1
        return self._tries < tuning.TRIES

    def elsewhere(self, turned_away: TurnedAway) -> router.Decision | None:
        """Return where to go next; a model is started elsewhere only where a server cannot serve now."""
        try:
            decision = self.decide()
        except ApiError:
            return None
        return decision if decision.route is not None or turned_away.status in PASSING else None

    def goes_on(self, lost: Replica, backends: frozenset[str]) -> None:
        """Leave the replica alone for a while that was lost, and go on with these backends alone."""
        self._resting |= {lost.id}
        self._backends = backends
        self._resolved_by = None

    def has_other(self, replica: Replica) -> bool:
        """Whether a replica is known to be gone, or another one is ready to take its place."""
        if self.is_gone(replica):
            return True
        model, wishes = self._resolve()
        out = {*self._tried, *self._resting, replica.id}
        return self._traffic.decide(model, wishes, (), out).route is not None

    def is_gone(self, replica: Replica) -> bool:
        """Whether its cluster has given a replica up."""
        try:
            model, _ = self._resolve()
        except ApiError:
            return True
        return all(each.id != replica.id for place in model.places for each in place.replicas)

    def forgive(self) -> None:
        """Give those that were left alone for a while another chance."""
        self._resting = _NOBODY

    # what is to be said while it waits

    @property
    def waits_at(self) -> str:
        """The cluster that the request waits for, as far as one can tell."""
        decision = self.last
        if decision is not None and decision.start is not None:
            return decision.start.cluster
        in_line = (
            (c.place.cluster for c in decision.candidates if not c.out or c.out is router.FULL)
            if decision
            else ()
        )
        return next(iter(in_line), self.model.places[0].cluster)

    @property
    def standing(self) -> str:
        """Where the model stands, for a person who waits for it."""
        decision = self.last
        if decision is None or decision.start is None:
            return decision.sentence if decision else ""
        return f"{self.model.id} is {refusals.progress(decision.start)}"

    def overdue(self) -> ApiError:
        """Return what to say to a client that has waited as long as it wanted to."""
        decision = self.last
        assert decision is not None  # noqa: S101  # it has waited because of one
        if decision.start is not None:
            return refusals.not_hot(self.model.id, decision.start)
        if decision.why is router.Why.FULL:
            return refusals.overloaded(
                self.model.id, self._traffic.wait_in_line(self.model, self._wishes, self.label)
            )
        return refusals.out_of_reach(decision.sentence)

    def in_line(self, patience: float | None) -> ApiError | None:
        """Return what to say where the line is longer than the client, or anyone, would wait."""
        if self.batch:
            return None
        wait = self._traffic.wait_in_line(self.model, self._wishes, self.label)
        longest = tuning.LINE_SECONDS if patience is None else min(patience, tuning.LINE_SECONDS)
        return refusals.overloaded(self.model.id, wait, longest) if wait > longest else None

    def exhausted(self) -> ApiError | None:
        """Return what to say where several servers would not serve the request; None where it was one."""
        return refusals.exhausted(self.model.id, self._tries) if self._tries > 1 else None

    # what it comes down to

    def _settle(self) -> None:
        """Find what is asked for, which holds for as long as catalog and rules do."""
        self.model, self._wishes = self._resolve()
        self._resolved_by = self._plane.catalog
        self._ruled_by = self._traffic.rules

    def _resolve(self) -> tuple[Model, Wishes]:
        model, cluster = self._plane.catalog.resolve(self._asked.model)
        wishes = self._own
        if cluster is not None or self._asked.needs or self._backends is not None:
            wishes = replace(wishes, cluster=cluster, needs=self._asked.needs, backends=self._backends)
        rules = self._traffic.rules.get(self.label)
        return model, wishes if rules is None else wishes.within(rules)

    def _by_globus_compute(self) -> set[str]:
        """Return the replicas that rows reach in shards instead: what it carries one by one is for people.

        Where there are no others, they are none: it may be that shards are not to reach them.
        """
        ready = [replica for place in self.model.places for replica in place.replicas]
        there = {replica.id for replica in ready if replica.path == "relay"}
        return there if len(there) < len(ready) else set()

    def _notice_ends(self) -> None:
        """Look for replicas that were started for this request and have ended before they were ready."""
        if not self._started:
            return
        before = self._ended_before = self._ended_before or {}
        for place in self.model.places:
            since = before.get(place.cluster, self.arrived)
            if place.cluster not in self._started or not router.came_to_nothing(place, since):
                continue
            before[place.cluster] = place.ended or since
            if place.again and self._again < tuning.AGAIN:
                self._again += 1
                self._started -= {place.cluster}
            else:
                self._failed_start = place
                self._tried |= {place.cluster}

    def _give_up_where_pointless(self, decision: router.Decision) -> None:
        """Raise where no place could serve the request even if it waited.

        Raises
        ------
        ApiError
            400 where its wishes leave no place, 403 where none may be used; 503 where all have failed it.
        """
        allowed = [place for place in self.model.places if not router.excluded(place, self._wishes)]
        if not allowed:
            raise refusals.nowhere(decision.sentence)
        if all(place.barred for place in allowed):
            raise barred(self.model, allowed)
        if any(self._may_yet(place) for place in allowed):
            return
        if self._failed_start is not None:
            raise refusals.did_not_start(self.model.id, self._failed_start, again=self._again > 0)
        raise refusals.exhausted(self.model.id, self._tries)

    def _may_yet(self, place: Place) -> bool:
        if place.barred:
            return False
        if place.replicas:
            return any(replica.id not in self._tried for replica in place.replicas)
        return place.cluster not in self._tried
