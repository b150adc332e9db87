"""What scaling does with a cluster: begins and keeps replicas, holds to budgets, rests when starts fail."""

from __future__ import annotations

import dataclasses
import logging
from datetime import datetime

import pytest
from first_jupyter_server import config
from first_jupyter_server.allow import AllowLists, Person
from first_jupyter_server.clusters.base import Offer, Status
from first_jupyter_server.clusters.scalable import Scalable
from first_jupyter_server.errors import ApiError
from first_jupyter_server.federation.catalog import Lease, Model, Place, State
from first_jupyter_server.federation.federation import Federation
from first_jupyter_server.federation.purse import Purse
from first_jupyter_server.federation.scaler import KEPT, Scaler
from first_jupyter_server.federation.scaling import Unit
from first_jupyter_server.federation.setbacks import Setbacks
from first_jupyter_server.federation.survey import asked_for, in_use, units
from first_jupyter_server.federation.terms import Terms, budgets, terms

from .conftest import until

HOUR = 3600.0
FILE = """
clusters:
  polaris:
    kind: globus-compute
    endpoint: 6c1d5b2e-aaaa-bbbb-cccc-0123456789ab
    budget: {{nodes: 4, node_hours_per_day: 24}}
    models:
      - {{id: big, backend: vllm, weights: /w, nodes: 2, {big}}}
      - {{id: one, backend: vllm, weights: /w, together: pair}}
      - {{id: two, backend: vllm, weights: /w, together: pair, budget: {{node_hours_per_day: 2}}}}
"""
KEY = ("polaris", "big")
MONDAY = "2026-11-23"


def sections(big="max: 3"):
    return config.parse(FILE.format(big=big), "first.yaml").clusters


def at(text):
    return datetime.fromisoformat(text).timestamp()


def place(*leases, **terms):
    return Place("polaris", "globus-compute", "vllm", State.HOT, leases=leases, **terms)


def lease(name="r1", stage="ready", **terms):
    return Lease(name, stage, **terms)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("idle_ttl: 1h", Terms(most=None, nodes=2)),
        ("max: 3", Terms(most=3, nodes=2)),
        ("min_warm: 2", Terms(least=2, most=2, nodes=2)),
        ("min_warm: 0", Terms(most=1, nodes=2)),
        ("max: 3, parallel: 8", Terms(most=3, slots=8, nodes=2)),
    ],
)
def test_what_the_file_says_becomes_terms(written, expected):
    assert terms(sections(written))[KEY] == expected


def test_models_that_share_a_node_take_a_share_of_it():
    assert terms(sections())["polaris", "one"].nodes == 0.5


@pytest.mark.parametrize(
    ("written", "now", "until_"),
    [
        ("schedule: weekdays 09:00-18:00", f"{MONDAY} 12:00", f"{MONDAY} 18:00"),
        ("schedule: weekdays 09:00-18:00", f"{MONDAY} 08:50", f"{MONDAY} 18:00"),
        ("schedule: weekdays 09:00-18:00", f"{MONDAY} 08:30", None),
        ("min_warm: 0, schedule: weekdays 09:00-18:00", f"{MONDAY} 12:00", None),
    ],
)
def test_a_schedule_is_met_by_a_start_in_good_time(written, now, until_):
    warm = terms(sections(written))[KEY].warm_until(at(now), lead=15 * 60.0)
    assert warm == (None if until_ is None else at(until_))


def test_a_replica_that_is_to_succeed_another_counts_when_that_one_is_gone():
    both = place(lease("old", held_until=200.0), lease("new", "loading", follows="old"))
    assert units(both, {"old": 3}, now=100.0) == (Unit("old", ready=True, running=3, held=True),)
    assert units(place(lease("new", follows="old")), {}, now=100.0) == (Unit("new"),)


def test_a_job_that_waits_is_asked_for_and_costs_nothing():
    there = [Model("big", places=(place(lease("a"), lease("b", "queued"), lease("c", "draining")),))]
    said = terms(sections())
    assert asked_for(there, said) == {("polaris", ""): 6.0, KEY: 6.0}
    assert in_use(there, said) == {("polaris", ""): 4.0, KEY: 4.0}


def purse(tmp_path, big="max: 3"):
    return Purse(budgets(sections(big)), terms(sections(big)), tmp_path / "spent.json")


def running(model, *leases):
    return [Model(model, places=(place(*leases),))]


def test_a_purse_counts_nodes_and_hours_and_remembers_them(tmp_path):
    first = purse(tmp_path)
    first.look(running("big", lease("a")), at(f"{MONDAY} 10:00"))
    assert first.room(KEY) == 1
    first.asks(KEY)
    assert first.refusal(KEY) == "4 of 4 nodes are in use, and it takes 2 more"
    first.look(running("big", lease("a")), at(f"{MONDAY} 22:00"))
    first.save()
    second = purse(tmp_path)
    second.look([], at(f"{MONDAY} 23:00"))
    assert second.is_spent(KEY)
    assert second.refusal(("polaris", "one")).startswith("the 24 node-hours of today are spent")
    second.look([], at("2026-11-24 00:01"))
    assert not second.is_spent(KEY)


def test_a_models_own_budget_is_its_own(tmp_path):
    spent = purse(tmp_path)
    spent.look(running("two", lease("a")), at(f"{MONDAY} 10:00"))
    spent.look(running("two", lease("a")), at(f"{MONDAY} 14:00"))
    assert spent.is_spent(("polaris", "two"))
    assert not spent.is_spent(("polaris", "one"))


@pytest.mark.parametrize("written", ["", "no json", "[1]", '[["a", "b", "c", "d"]]'])
def test_a_broken_file_says_that_nothing_was_spent(tmp_path, written):
    (tmp_path / "spent.json").write_text(written)
    assert not purse(tmp_path).is_spent(KEY)


def test_after_a_start_that_failed_the_next_one_waits_and_longer_each_time():
    setbacks, now, pauses = Setbacks(), at(f"{MONDAY} 10:00"), []
    for number in range(3):
        setbacks.look(KEY, [Unit(f"r{number}", ready=False)], "", now)
        setbacks.look(KEY, [], "the weights are missing", now)
        began = now
        while setbacks.why(KEY, now):
            now += 10.0
        pauses.append(now - began)
    assert pauses == [60.0, 120.0, 240.0]


@pytest.mark.parametrize("then", [[Unit("r", ready=True)], [Unit("r", ready=False)]])
def test_a_start_that_succeeds_or_goes_on_is_no_setback(then):
    setbacks = Setbacks()
    setbacks.look(KEY, [Unit("r", ready=False)], "", 0.0)
    setbacks.look(KEY, then, "", 10.0)
    assert setbacks.why(KEY, 10.0) == ""


def test_a_replica_that_is_lost_after_it_has_served_is_no_setback():
    setbacks = Setbacks()
    for ready in (False, True, False):
        setbacks.look(KEY, [Unit("r", ready=ready)], "", 0.0)
    setbacks.look(KEY, [], "its job ended under it", 10.0)
    assert setbacks.why(KEY, 10.0) == ""


def test_a_start_that_is_called_off_is_no_setback():
    setbacks = Setbacks()
    setbacks.look(KEY, [Unit("r", ready=False)], "", 0.0)
    setbacks.forget(KEY, "r")
    setbacks.look(KEY, [], "", 10.0)
    assert setbacks.why(KEY, 10.0) == ""


def test_a_clock_that_is_set_back_makes_no_pause_longer():
    setbacks = Setbacks()
    setbacks.look(KEY, [Unit("r", ready=False)], "", 100_000.0)
    setbacks.look(KEY, [], "the job failed", 100_000.0)
    assert "the job failed" in setbacks.why(KEY, 100_000.0)
    assert setbacks.why(KEY, 10_000.0) == ""


class Ward:
    """A cluster whose replicas are ready at once."""

    name, kind, status, unstoppable = "polaris", "globus-compute", Status("online"), ""

    def __init__(self):
        self.leases, self.asked, self.kept = {}, [], {}

    def offers(self):
        there = tuple(self.leases.values())
        state = State.HOT if there else State.COLD
        return [Offer("big", (), ("chat",), None, dataclasses.replace(place(*there), state=state))]

    async def open(self):
        pass

    async def close(self):
        pass

    async def start(self, model, hold=None):
        await self.add(model, hold)

    async def add(self, model, hold=None):
        self.asked.append(hold)
        self.leases[f"r{len(self.asked)}"] = lease(f"r{len(self.asked)}")

    async def stop(self, model):
        self.leases.clear()

    async def end(self, replica):
        del self.leases[replica]

    async def keep(self, replica, seconds):
        self.kept[replica] = seconds

    def took(self, model):
        return [60.0]

    def failure(self, model):
        return None

    async def tail(self, replica):
        return [], ""

    def unreachable(self, replica, reason):
        pass


class Stranger(Ward):
    """A server that belongs to nobody here, and has the same model."""

    name, kind = "campus", "openai"
    add = end = keep = None

    def offers(self):
        return [Offer("big", (), ("chat",), None, Place("campus", "openai", "vllm", State.HOT))]


@pytest.fixture
def look_after(tmp_path):
    """Return a function that begins to scale a cluster as a file says."""
    begun = []

    def begin(big):
        federation = Federation(
            problems=(),
            allow=AllowLists({}, Person.here()),
            choice_file=tmp_path / "c",
            log=logging.getLogger(),
        )
        ward = Ward()
        assert isinstance(ward, Scalable)
        federation.add(ward)
        scaler = Scaler(federation, terms(sections(big)), purse(tmp_path, big), logging.getLogger())
        federation.limits = scaler
        begun.append((federation, scaler))
        return federation, scaler, ward

    yield begin
    for _, scaler in begun:
        scaler._open = False
        if scaler._timer is not None:
            scaler._timer.cancel()


async def test_what_is_kept_warm_is_begun_and_held_without_any_request(look_after):
    _, scaler, ward = look_after("min_warm: 2")
    scaler.start()
    await until(lambda: len(ward.leases) == 2)
    assert ward.asked == [KEPT, KEPT]


async def test_what_was_there_before_is_kept_and_not_begun_again(look_after):
    _, scaler, ward = look_after("min_warm: 1")
    ward.leases["old"] = lease("old")
    scaler.start()
    await until(lambda: ward.kept)
    assert (ward.asked, ward.kept) == ([], {"old": KEPT})


async def test_a_clock_that_is_set_back_ends_no_hold(look_after, monkeypatch):
    _, scaler, ward = look_after("min_warm: 1")
    ward.leases["old"] = lease("old")
    scaler.start()
    await until(lambda: ward.kept)
    ward.kept.clear()
    a_day_ago = datetime.now().timestamp() - 24 * HOUR  # noqa: DTZ005
    monkeypatch.setattr("first_jupyter_server.federation.scaler.time.time", lambda: a_day_ago)
    scaler._look()
    await until(lambda: ward.kept == {"old": KEPT})


async def test_a_model_that_strangers_serve_too_is_kept_warm_where_the_file_says_so(look_after):
    federation, scaler, ward = look_after("min_warm: 1")
    federation.add(Stranger())
    ward.leases["old"] = lease("old")
    scaler.start()
    await until(lambda: ward.kept)
    scaler._look()
    assert (ward.asked, ward.kept) == ([], {"old": KEPT})


async def test_requests_have_more_begun_without_a_hold(look_after):
    _, scaler, ward = look_after("max: 2, parallel: 2")
    ward.leases["old"] = lease("old")
    scaler.start()
    scaler.load({("big", "polaris"): (2, 9)}, {"old": 2})
    await until(lambda: len(ward.leases) == 2)
    assert ward.asked == [None]


def spend_it_all(tmp_path):
    (tmp_path / "spent.json").write_text(
        f'[["polaris", "", "{datetime.now().date().isoformat()}", 864000]]'  # noqa: DTZ005
    )


async def test_a_spent_budget_ends_what_was_kept_warm_once_its_hold_is_over(look_after, tmp_path):
    spend_it_all(tmp_path)
    _, scaler, ward = look_after("min_warm: 2")
    ward.leases["held"] = lease("held", held_until=datetime.now().timestamp() + KEPT / 4)  # noqa: DTZ005
    ward.leases["over"] = lease("over", held_until=1.0)
    scaler.start()
    await until(lambda: "over" not in ward.leases)
    assert (list(ward.leases), ward.kept, ward.asked) == (["held"], {}, [])


async def test_a_spent_budget_refuses_starts_and_is_the_places_reason(look_after, tmp_path):
    spend_it_all(tmp_path)
    federation, scaler, ward = look_after("min_warm: 1")
    scaler.start()
    await until(lambda: federation.catalog().models[0].places[0].state is State.OFFLINE)
    assert "node-hours of today are spent" in federation.catalog().models[0].places[0].reason
    with pytest.raises(ApiError, match="big was not started on polaris: the 24 node-hours") as refused:
        federation.start("big")
    assert (refused.value.status, ward.asked) == (429, [])


async def test_a_schedule_is_told_in_the_places_reason(look_after):
    federation, scaler, _ = look_after("schedule: daily 00:00-24:00")
    scaler.start()
    await until(lambda: "kept warm until" in federation.catalog().models[0].places[0].reason)
