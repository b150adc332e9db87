"""A request goes where its first token will come soonest, within what it wishes."""

import random

import pytest
from first_jupyter_server.federation import tuning
from first_jupyter_server.federation.catalog import Model, Place, Replica, State
from first_jupyter_server.federation.router import Why, decide, waits_for
from first_jupyter_server.federation.wishes import Wishes


class Measured:
    """What is measured, as each test states it: by replica, or by cluster."""

    def __init__(self, running=None, first=None, service=None, blocked=None):
        self._running, self._first = running or {}, first or {}
        self._service, self._blocked = service or {}, blocked or {}

    def running(self, replica):
        return self._running.get(replica, 0)

    def first_token(self, replica, cluster):
        return self._first.get(replica, self._first.get(cluster))

    def service(self, replica, cluster):
        return self._service.get(replica, self._service.get(cluster))

    def blocked(self, replica, cluster):
        return self._blocked.get(replica, self._blocked.get(cluster))


def replica(name, slots=4):
    return Replica(name, "127.0.0.1", 8000, slots=slots)


def hot(cluster, *replicas, **more):
    return Place(cluster, "local", "vllm", State.HOT, replicas=tuple(map(replica, replicas)), **more)


def cold(cluster, state=State.COLD, **more):
    return Place(cluster, "globus-compute", "vllm", state, **more)


def decided(*places, wishes=None, view=None, seed=0, **more):
    chance = random.Random(seed)
    return decide(Model("m", places=places), wishes or Wishes(), view or Measured(), chance=chance, **more)


def chosen(decision):
    return decision.route and decision.route.replica.id


A, B = hot("a", "a1"), hot("b", "b1")


@pytest.mark.parametrize(
    ("places", "view", "who"),
    [
        ((A, B), Measured(first={"a": 0.5, "b": 0.2}), "b1"),
        ((A, B), Measured(first={"a": 0.2, "b": 0.2, "b1": 0.1}), "b1"),
        ((A, B), Measured(running={"a1": 3}, first={"a": 0.1, "b": 1.0}, service={"a": 1.0}), "a1"),
        ((A, B), Measured(running={"a1": 3}, first={"a": 0.1, "b": 0.2}, service={"a": 9.0}), "b1"),
        ((A, B), Measured(running={"a1": 5}, first={"a": 0.1, "b": 0.2}, service={"a": 1.0}), "b1"),
        ((A, cold("c", eta=0.5)), Measured(first={"a": 5.0}), "a1"),
        ((cold("c", State.OFFLINE), A), Measured(), "a1"),
        ((hot("a", "a1", "a2"),), Measured(running={"a1": 1}), "a2"),
        ((A, B), Measured(blocked={"a": "it refused"}), "b1"),
        ((hot("a", "a1", "a2", "a3"),), Measured(blocked={"a1": "no", "a2": "no"}), "a3"),
    ],
    ids=[
        "the sooner cluster",
        "a replica's own figure before its cluster's",
        "free slots are not queued for",
        "but those beside them slow it down",
        "full slots are",
        "who is ready before who will be",
        "not who is offline",
        "the less loaded of two",
        "not a cluster that is kept away from",
        "nor a replica",
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_the_least_estimate_serves(places, view, who, seed):
    assert chosen(decided(*places, view=view, seed=seed)) == who


@pytest.mark.parametrize(
    ("wishes", "who", "why"),
    [
        (Wishes(cluster="slow"), "slow1", Why.SOONEST),
        (Wishes(stay=frozenset({"slow", "far"})), "slow1", Why.SOONEST),
        (Wishes(avoid=frozenset({"quick"})), "slow1", Why.SOONEST),
        (Wishes(avoid=frozenset({"quick", "slow", "far"})), "quick1", Why.SOONEST),
        (Wishes(prefer=frozenset({"slow"})), "slow1", Why.PREFERRED),
        (Wishes(prefer=frozenset({"far"})), "quick1", Why.SOONEST),
        (Wishes(needs=frozenset({"images"})), "slow1", Why.SOONEST),
        (Wishes(needs=frozenset({"tools"})), "quick1", Why.SOONEST),
    ],
)
def test_wishes_exclude_or_lean(wishes, who, why):
    quick = hot("quick", "quick1", abilities=("chat", "tools"))
    slow = hot("slow", "slow1", abilities=("chat",))
    view = Measured(first={"quick": 0.2, "slow": 1.0, "far": 60.0})
    decision = decided(quick, slow, hot("far", "far1"), wishes=wishes, view=view)
    assert (chosen(decision), decision.why) == (who, why)


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        (Wishes(cluster="b"), "the request names b"),
        (Wishes(stay=frozenset({"b"})), "the data stays at b"),
        (Wishes(needs=frozenset({"images", "tools"})), "it cannot do images"),
    ],
)
def test_who_is_excluded_is_told_why(wishes, words):
    decision = decided(hot("a", "a1", abilities=("chat", "tools")), wishes=wishes)
    assert (decision.route, decision.start, decision.why) == (None, None, Why.NOWHERE)
    assert decision.candidates[0].out == words
    assert words in decision.sentence


@pytest.mark.parametrize(
    ("places", "wishes", "start"),
    [
        ((cold("a"), cold("b", State.STARTING)), Wishes(), "b"),
        ((cold("a", eta=5.0), cold("b", State.STARTING, eta=60.0)), Wishes(), "a"),
        ((cold("a"), cold("b", State.QUEUED, eta=7000.0)), Wishes(), "a"),
        ((cold("a", State.OFFLINE), cold("b")), Wishes(), "b"),
        ((cold("a", State.OFFLINE),), Wishes(), "a"),
        ((cold("a"), cold("b", eta=500.0)), Wishes(prefer=frozenset({"b"})), "b"),
        ((A, cold("c")), Wishes(avoid=frozenset({"a"})), "c"),
        ((A, cold("c")), Wishes(cluster="c"), "c"),
    ],
)
def test_a_model_that_is_ready_nowhere_is_started_where_it_will_be_soonest(places, wishes, start):
    decision = decided(*places, wishes=wishes)
    assert (decision.route, decision.start and decision.start.cluster) == (None, start)
    if not wishes.avoid and not wishes.cluster and not wishes.prefer:
        assert waits_for(Model("m", places=places), None).cluster == start


def test_nothing_is_started_again_where_its_start_failed():
    failed, other = cold("a", eta=1.0, reason="out of memory"), cold("b")
    decision = decided(failed, other, tried={"a"})
    assert decision.start.cluster == "b"
    assert decision.candidates[0].out == "out of memory"


def test_what_was_tried_is_left_for_the_others():
    places = (hot("a", "a1", "a2"), hot("b", "b1"))
    assert chosen(decided(*places, tried={"a1", "b1"})) == "a2"
    assert decided(*places, tried={"a1", "a2", "b1"}).why is Why.NOWHERE


@pytest.mark.parametrize("busy", [8, 20])
def test_who_has_as_many_requests_as_it_is_to_get_is_waited_for(busy):
    decision = decided(hot("a", "a1"), cold("c", eta=1.0), view=Measured(running={"a1": busy}))
    assert (decision.route, decision.start, decision.why) == (None, None, Why.FULL)
    assert decision.candidates[0].seconds > tuning.FIRST_TOKEN["local"]


def test_one_free_replica_among_many_full_ones_is_found():
    names = [f"a{n}" for n in range(50)]
    view = Measured(running={name: 8 for name in names if name != "a31"})
    assert {chosen(decided(hot("a", *names), view=view, seed=seed)) for seed in range(20)} == {"a31"}


def test_nobody_is_full_whose_slots_are_unknown():
    place = Place("a", "openai", "", State.HOT, replicas=(replica("a1", slots=None),))
    assert chosen(decided(place, view=Measured(running={"a1": 1000}))) == "a1"


@pytest.mark.parametrize(
    ("view", "wishes", "who"),
    [
        (Measured(), Wishes(), "b2"),
        (Measured(first={"a": 0.3, "b": 0.9}), Wishes(), "b2"),
        (Measured(first={"a": 0.3, "b": 9.0}), Wishes(), "a1"),
        (Measured(running={"b2": 1}), Wishes(), "b2"),
        (Measured(running={"b2": 3}), Wishes(), "a1"),
        (Measured(running={"b2": 3, "a1": 2, "b1": 3}), Wishes(), "b2"),
        (Measured(blocked={"b2": "it broke"}), Wishes(), "a1"),
        (Measured(running={"b2": 8}), Wishes(), "a1"),
        (Measured(running={"b2": 7, "b1": 8, "a1": 8}), Wishes(), "b2"),
        (Measured(), Wishes(avoid=frozenset({"b"})), "a1"),
        (Measured(), Wishes(prefer=frozenset({"a"})), "a1"),
        (Measured(), Wishes(cluster="a"), "a1"),
    ],
    ids=[
        "it stays",
        "also where others are a little sooner",
        "not where they are much sooner",
        "also under some load",
        "not under far more load than others have",
        "unless others have as much",
        "not where it is broken",
        "nor full",
        "but where all others are full",
        "nor avoided",
        "nor where another is preferred",
        "nor where another is named",
    ],
)
def test_a_conversation_stays_with_its_replica_while_that_pays(view, wishes, who):
    first = {"a": 0.3, "b": 0.31}
    view._first = view._first or first
    places = (hot("a", "a1"), hot("b", "b1", "b2"))
    assert chosen(decided(*places, wishes=wishes, view=view, stays_with=("b", "b2"))) == who


def test_a_conversation_whose_replica_has_gone_goes_anywhere():
    assert chosen(decided(A, stays_with=("b", "b9"))) == "a1"


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        (decided(A, B, view=Measured(first={"a": 0.2})), "m on a (a1) answers in about 0.2 s, the soonest."),
        (decided(A), "m on a (a1) answers in about 0.3 s, the only one that can."),
        (
            decided(A, B, wishes=Wishes(prefer=frozenset("b"))),
            "m on b (b1) is preferred and answers in about",
        ),
        (decided(A, stays_with=("a", "a1")), "m on a (a1) has read this conversation before"),
        (decided(cold("c", eta=300.0)), "c will be soonest, in about 5 min."),
        (decided(cold("c", State.OFFLINE)), "c will be soonest, in a time that nobody can tell."),
        (
            decided(A, view=Measured(running={"a1": 8})),
            "this one waits (a: its replicas have as many",
        ),
    ],
)
def test_a_decision_explains_itself(decision, words):
    assert words in decision.sentence


def test_what_is_remembered_holds_no_address():
    candidate = {"cluster": "a", "replica": "a1", "state": "hot", "seconds": 0.3, "out": ""}
    assert decided(A).record().to_json() == {
        "sentence": "m on a (a1) answers in about 0.3 s, the only one that can.",
        "chosen": {"cluster": "a", "replica": "a1", "path": "direct"},
        "candidates": [candidate],
    }
    assert decided(cold("c")).record().to_json()["chosen"] is None


def test_load_spreads_over_replicas_that_are_alike():
    place = hot("a", *(f"a{n}" for n in range(20)))
    model, chance, running = Model("m", places=(place,)), random.Random(7), {}
    for _ in range(40):
        route = decide(model, Wishes(), Measured(running=running), chance=chance).route
        running[route.replica.id] = running.get(route.replica.id, 0) + 1
    assert max(running.values()) <= 4
