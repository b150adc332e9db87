"""The route of one request: a pure choice among a model's places and their replicas."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from operator import itemgetter
from random import Random

from . import tuning
from .catalog import ORDER, Model, Place, Replica, State
from .decision import FULL, Candidate, Decision, Route, Why
from .estimates import View, hot_in, load, until_first_token
from .wishes import Wishes

__all__ = [
    "FULL",
    "Candidate",
    "Decision",
    "Route",
    "View",
    "Why",
    "came_to_nothing",
    "decide",
    "excluded",
    "waits_for",
]

_candidate: Callable[[tuple[Place, Replica | None, float | None, str, float | None]], Candidate] = partial(
    tuple.__new__, Candidate
)
"""Makes a candidate in half the time that its class takes."""

_SECONDS: Callable[[Candidate], float] = itemgetter(2)
_COST: Callable[[Candidate], float] = itemgetter(4)
"""Of candidates that somebody can tell of."""

STATED = frozenset(("tools", "images", "json_schema"))
"""Abilities that a place which names one of them states all of; any other place may have them."""


def decide(
    model: Model,
    wishes: Wishes,
    view: View,
    *,
    stays_with: tuple[str, str] | None = None,
    tried: Collection[str] = (),
    chance: Random,
) -> Decision:
    """Choose who serves a request: the least estimate of the seconds to its first token.

    Who is ready goes before who will be; where all who are ready have as many requests as they are to get,
    the request waits in line for them. It costs some steps for each place, whatever the number of replicas.

    Parameters
    ----------
    model
        The model asked for.
    wishes
        Where it may be served, and where rather.
    view
        What is measured.
    stays_with
        The cluster and the replica that have read this conversation before, if any have.
    tried
        Replicas that failed this request already, and clusters where its start failed.
    chance
        Draws the replicas that are looked at.
    """
    asked = None if wishes.anywhere else wishes
    candidates = [_look(place, asked, view, tried, chance) for place in model.places]
    if len(candidates) == 1 and stays_with is None:
        (only,) = candidates
        if only.replica is not None and not only.out:  # nothing to choose from, as on most laptops
            return Decision(model.id, Route(only.place, only.replica), None, (only,), Why.SOONEST)
    pool = _pool(candidates, wishes)
    ready = [candidate for candidate in pool if candidate.replica is not None and not candidate.out]
    stays = None if stays_with is None else _staying(stays_with, pool, view, tried)
    chosen: Candidate | None = None
    if ready:
        chosen, why = _best(ready, wishes)
        if stays is not None and _may_stay(stays, chosen, ready, wishes, view):
            chosen, why = stays, Why.STAYS
    elif stays is not None:
        chosen, why = stays, Why.STAYS
    elif any(candidate.out is FULL for candidate in pool):
        why = Why.FULL
    elif pool:
        chosen, why = _best(pool, wishes)[0], Why.START
    else:
        why = Why.NOWHERE
    if chosen is not None and why is Why.STAYS:
        place = chosen.place
        candidates = [chosen if other[0] is place else other for other in candidates]
    if wishes.avoid:
        candidates = [_or_avoided(candidate, pool, wishes) for candidate in candidates]
    route = Route(chosen.place, chosen.replica) if chosen and chosen.replica else None
    start = chosen.place if chosen and route is None else None
    return Decision(model.id, route, start, tuple(candidates), why)


def excluded(place: Place, wishes: Wishes) -> str:
    """Return why a request may not be served at a place, whatever happens; empty where it may."""
    if wishes.cluster is not None and place.cluster != wishes.cluster:
        return f"the request names {wishes.cluster}"
    if wishes.stay is not None and place.cluster not in wishes.stay:
        return f"the data stays at {', '.join(sorted(wishes.stay)) or 'no cluster at all'}"
    if wishes.backends is not None and place.backend not in wishes.backends:
        return f"{place.backend} cannot go on with the answer"
    if wishes.needs and not STATED.isdisjoint(place.abilities):
        lacks = (wishes.needs & STATED).difference(place.abilities)
        if lacks:
            return f"it cannot do {', '.join(sorted(lacks))}"
    return ""


def waits_for(model: Model, cluster: str | None) -> Place:
    """Name the place where a model that is ready nowhere will be ready soonest."""
    places = [place for place in model.places if cluster in (None, place.cluster)]
    return min(places, key=_soonest)


def came_to_nothing(place: Place, since: float) -> bool:
    """Whether a place's last replica has ended since then, and no other is there or on its way."""
    if place.state not in (State.COLD, State.OFFLINE):
        return False
    return place.ended is not None and place.ended > since


def _soonest(place: Place) -> tuple[float, int]:
    seconds = hot_in(place)
    return (float("inf") if seconds is None else seconds, ORDER.index(place.state))


def _look(
    place: Place, asked: Wishes | None, view: View, tried: Collection[str], chance: Random
) -> Candidate:
    """Return a place's candidate: of its replicas, the less loaded one of those drawn."""
    if asked is not None and (out := excluded(place, asked)):
        return Candidate(place, None, None, out)
    if not place.replicas:
        return _not_ready(place, view, tried)
    replica, running = _draw(place.replicas, view, chance)
    out = ""
    has_slots = replica.slots is None or running < replica.slots
    if not has_slots or tried or view.blocked(replica.id, place.cluster):
        replica, running, out = _fit(place, replica, running, view, tried, chance=chance)
    seconds, cost = until_first_token(place, replica, running, view)
    return _candidate((place, replica, seconds, out, cost))


def _not_ready(place: Place, view: View, tried: Collection[str]) -> Candidate:
    if place.barred:
        return Candidate(place, None, None, place.reason)
    if place.cluster in tried:
        return Candidate(place, None, None, place.reason or "it was tried")
    if out := view.blocked("", place.cluster):
        return Candidate(place, None, None, out)
    seconds = hot_in(place)
    if seconds is not None:
        first = view.first_token("", place.cluster)
        seconds += (
            tuning.FIRST_TOKEN.get(place.kind, tuning.FIRST_TOKEN_ELSEWHERE) if first is None else first
        )
    return Candidate(place, None, seconds, "", seconds)


def _draw(replicas: Sequence[Replica], view: View, chance: Random) -> tuple[Replica, int]:
    """Draw two replicas and take the less loaded one (power of two choices).

    Of two that are alike it is the one that the catalog names first.

    Returns
    -------
    tuple
        The replica, and how many requests it answers.
    """
    count = len(replicas)
    if count == 1:
        return replicas[0], view.running(replicas[0].id)
    drawn = chance.random() * count
    at = int(drawn)
    second = int((drawn - at) * (count - 1))
    second += second >= at
    one, other = (replicas[at], replicas[second]) if at < second else (replicas[second], replicas[at])
    if not (running := view.running(one.id)):
        return one, 0
    others = view.running(other.id)
    if others * (one.slots or tuning.SLOTS) < running * (other.slots or tuning.SLOTS):
        return other, others
    return one, running


def _fit(
    place: Place, drawn: Replica, running: int, view: View, tried: Collection[str], *, chance: Random
) -> tuple[Replica, int, str]:
    """Return the replica that was drawn, or any other where that one cannot take the request.

    Returns
    -------
    tuple
        The replica, how many requests it answers, and why it is out, if none of the place can take it.
    """
    out = _unfit(place, drawn, running, view, tried)
    if not out:
        return drawn, running, ""
    found = drawn, running, out
    begin = int(chance.random() * len(place.replicas))
    for replica in (*place.replicas[begin:], *place.replicas[:begin]):
        requests = view.running(replica.id)
        unfit = _unfit(place, replica, requests, view, tried)
        if not unfit:
            return replica, requests, ""
        if unfit is FULL:
            found = replica, requests, FULL
    return found


def _unfit(place: Place, replica: Replica, running: int, view: View, tried: Collection[str]) -> str:
    """Return why a replica cannot take one more request; empty where it can."""
    if tried and replica.id in tried:
        return "it was tried"
    if out := view.blocked(replica.id, place.cluster):
        return out
    if replica.slots is not None and running >= replica.slots * tuning.OVERCOMMIT:
        return FULL
    return ""


def _pool(candidates: Sequence[Candidate], wishes: Wishes) -> list[Candidate]:
    """Return those among whom is chosen: avoided and offline ones only where there are no others."""
    able = [candidate for candidate in candidates if not candidate.out or candidate.out is FULL]
    known = [candidate for candidate in able if candidate.seconds is not None] or able
    if not wishes.avoid:
        return known
    return [candidate for candidate in known if candidate.place.cluster not in wishes.avoid] or known


def _best(pool: Sequence[Candidate], wishes: Wishes) -> tuple[Candidate, Why]:
    """Return the soonest, or the soonest preferred one where it is about as soon."""
    if pool[0].seconds is None:  # then nobody can tell of any of them
        return pool[0], Why.SOONEST
    best = min(pool, key=_COST)
    if wishes.prefer and best.place.cluster not in wishes.prefer:
        preferred = [candidate for candidate in pool if candidate.place.cluster in wishes.prefer]
        limit = _COST(best) * tuning.PREFER_FACTOR + tuning.PREFER_SECONDS
        if preferred and _COST(soon := min(preferred, key=_COST)) <= limit:
            return soon, Why.PREFERRED
    return best, Why.SOONEST


def _staying(
    stays_with: tuple[str, str], pool: Sequence[Candidate], view: View, tried: Collection[str]
) -> Candidate | None:
    """Return the replica that has read the conversation before, where it can take the request."""
    cluster, name = stays_with
    for candidate in pool:
        if (place := candidate.place).cluster == cluster:
            for replica in place.replicas:
                if replica.id == name:
                    running = view.running(name)
                    if _unfit(place, replica, running, view, tried):
                        return None
                    seconds, cost = until_first_token(place, replica, running, view)
                    return Candidate(place, replica, seconds, "", cost)
    return None


def _may_stay(
    stays: Candidate, best: Candidate, ready: Sequence[Candidate], wishes: Wishes, view: View
) -> bool:
    """Whether it is about as soon as the best one, and does not have far more to do than the others."""
    if stays.replica is best.replica:
        return True
    if best.place.cluster in wishes.prefer and stays.place.cluster not in wishes.prefer:
        return False
    if _SECONDS(stays) > _SECONDS(best) * tuning.STAY_FACTOR + tuning.STAY_SECONDS:
        return False
    some = ready[:: 1 + len(ready) // tuning.COMPARED]
    others = [candidate.replica for candidate in some if candidate.replica is not None]
    requests = len(others) + sum([view.running(other.id) for other in others])
    slots = sum([other.slots or tuning.SLOTS for other in others])
    replica = stays.replica
    assert replica is not None  # noqa: S101  # it has one to stay with
    return load(replica, view.running(replica.id) + 1) <= tuning.STAY_LOAD * requests / slots


def _or_avoided(candidate: Candidate, pool: Sequence[Candidate], wishes: Wishes) -> Candidate:
    if candidate.out or candidate.place.cluster not in wishes.avoid:
        return candidate
    if any(other.place is candidate.place for other in pool):
        return candidate
    return candidate._replace(out="it is avoided, and another will do")
