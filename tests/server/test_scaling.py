"""Scaling, as a table: so much is there and so much is asked for, so these begin and those end."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from first_jupyter_server.federation import tuning
from first_jupyter_server.federation.demand import Demand, follow
from first_jupyter_server.federation.scaling import Site, Unit, at_least, scale

NOW = 10_000.0


def site(cluster="near", *units, most=4, slots=10, takes=60.0, **terms):
    return Site(cluster, units, most=most, slots=slots, takes=takes, **terms)


def units(count, **terms):
    return [Unit(f"r{number}", **terms) for number in range(count)]


def steady(in_flight, slope=0.0):
    """Return a demand that has been the same for long."""
    return Demand(NOW, float(in_flight), slope, ((NOW - 7000.0, float(in_flight)), (NOW, float(in_flight))))


def calm_since(seconds, *, before, now):
    return Demand(
        NOW, float(now), 0.0, ((NOW - seconds - tuning.PEAK_LASTS, float(before)), (NOW, float(now)))
    )


def changes(sites, demand):
    return [f"{c.cluster} {'+' if c.replica is None else '-' + c.replica}" for c in scale("m", sites, demand)]


@pytest.mark.parametrize(
    ("sites", "demand", "expected"),
    [
        pytest.param([site()], steady(0), [], id="nobody asks"),
        pytest.param([site()], steady(1), ["near +"], id="the first request"),
        pytest.param([site()], steady(25), ["near +"] * 4, id="many at once, as many as may be"),
        pytest.param([site("near", *units(1))], steady(6), [], id="there is room"),
        pytest.param([site("near", *units(1))], steady(9), ["near +"], id="it is nearly full"),
        pytest.param([site("near", *units(1, ready=False))], steady(6), [], id="what is on its way counts"),
        pytest.param([site("near", *units(1), takes=60.0)], steady(4, 0.1), ["near +"], id="it grows"),
        pytest.param([site("near", *units(1), takes=1.0)], steady(4, 0.1), [], id="starts are quick enough"),
        pytest.param([site("near", *units(1))], steady(5, -0.5), [], id="a fall is not counted on"),
        pytest.param([site("near", *units(4))], steady(90), [], id="no more than max"),
        pytest.param([site("near", *units(1), most=None)], steady(90), [], id="nobody scales it"),
        pytest.param([site("near", *units(1), room=1)], steady(30), ["near +"], id="the budget has room"),
        pytest.param([site("near", *units(1), room=0.5)], steady(30), [], id="the budget has no room"),
        pytest.param([site("near", *units(1), refused="offline")], steady(30), [], id="it cannot be had"),
    ],
)
def test_replicas_follow_the_load(sites, demand, expected):
    assert changes(sites, demand) == expected


@pytest.mark.parametrize(
    ("sites", "expected"),
    [
        ([site("far", takes=600.0), site("near", takes=60.0)], ["near +"]),
        ([site("far", takes=600.0), site("near", *units(4), takes=60.0)], ["far +"]),
        ([site("far", takes=600.0), site("near", takes=60.0, refused="offline")], ["far +"]),
    ],
)
def test_one_more_is_asked_for_where_it_is_ready_soonest(sites, expected):
    slots = sum(site.slots * len(site.units) for site in sites)
    assert changes(sites, steady(max(5, slots)))[:1] == expected


@pytest.mark.parametrize(
    ("sites", "expected"),
    [
        pytest.param([site(least=2)], ["near +", "near +"], id="none is there"),
        pytest.param([site("near", *units(1), least=2)], ["near +"], id="one is there"),
        pytest.param([site("near", *units(2, ready=False), least=2)], [], id="they are on their way"),
        pytest.param([site(least=2), site("far", least=1)], ["near +", "near +", "far +"], id="on each"),
        pytest.param([site(least=2, room=1)], ["near +"], id="the budget is stronger"),
    ],
)
def test_the_least_is_kept_warm_without_any_request(sites, expected):
    assert changes(sites, steady(0)) == expected


LONG = max(tuning.DOWN_AFTER, tuning.DOWN_STARTS * 60.0) + 1.0


@pytest.mark.parametrize(
    ("sites", "demand", "expected"),
    [
        pytest.param([site("near", *units(2))], steady(2), ["near -r0"], id="one does"),
        pytest.param([site("near", *units(2))], steady(6), [], id="one would be too full"),
        pytest.param(
            [site("near", *units(2))], calm_since(LONG, before=15, now=2), ["near -r0"], id="calm for long"
        ),
        pytest.param(
            [site("near", *units(2))], calm_since(LONG - 60, before=15, now=2), [], id="calm for a while"
        ),
        pytest.param(
            [site("near", *units(2), takes=3600.0)],
            calm_since(LONG, before=15, now=2),
            [],
            id="what takes long to start is kept for longer",
        ),
        pytest.param([site("near", *units(1))], steady(0), [], id="the last one is left to its lease"),
        pytest.param([site("near", *units(3), least=3)], steady(0), [], id="min_warm stays"),
        pytest.param([site("near", *units(2, held=True))], steady(0), [], id="what is held stays"),
        pytest.param([site("near", *units(2), most=None)], steady(0), [], id="nobody scales it"),
        pytest.param([site("near", *units(5))], steady(3), [f"near -r{n}" for n in range(4)], id="several"),
        pytest.param(
            [site("near", *units(2))],
            Demand(NOW, 0.0, 0.0, ((NOW, 0.0),)),
            [],
            id="nobody looked for long enough",
        ),
    ],
)
def test_replicas_that_were_not_needed_for_long_end(sites, demand, expected):
    assert changes(sites, demand) == expected


def test_the_least_used_ends_and_first_of_all_one_that_is_not_ready_yet():
    one, two, coming = Unit("one", running=2), Unit("two", running=1), Unit("coming", ready=False)
    assert changes([site("near", one, two, coming)], steady(6)) == ["near -coming"]
    assert changes([site("near", one, two)], steady(3)) == ["near -two"]


def test_what_is_there_ends_where_the_budget_is_spent_but_for_what_is_held():
    kept = Unit("kept", held=True)
    spent = site("near", kept, *units(2), least=1, spent="the 24 node-hours of today are spent")
    assert changes([spent], steady(20)) == ["near -r0", "near -r1"]


def test_each_change_says_why():
    more, *_ = scale("m", [site("near", *units(1))], steady(9))
    assert more.why == "9 requests in flight, 9 expected by the time it is ready, for 10 at once"
    less, *_ = scale("m", [site("near", *units(2))], steady(2))
    assert less.why == "at most 2 requests were in flight in the last 5 min, 20 fit"


def followed(samples):
    demand = Demand()
    for now, in_flight in samples:
        demand = follow(demand, in_flight, now)
    return demand


def test_a_moments_spike_is_smoothed_and_a_level_is_believed():
    spike = followed([(float(now), 40 if now == 30 else 0) for now in range(32)])
    level = followed([(float(now), 40 if now >= 30 else 0) for now in range(120)])
    assert spike.level < 5
    assert level.level > 39


def test_growth_is_expected_to_go_on_for_a_while():
    growing = followed([(float(now), now) for now in range(0, 600, 5)])
    assert growing.slope == pytest.approx(1.0, rel=0.1)
    assert growing.ahead(60.0) == pytest.approx(growing.level + 60.0, rel=0.05)
    assert growing.ahead(1e6) < growing.level + 1.1 * tuning.TREND_AHEAD


def test_a_peak_is_remembered_for_as_long_as_it_may_count():
    busy_first = [(float(now), 40 if now < 100 else 1) for now in range(0, 9000, 5)]
    assert followed(busy_first[:140]).peak(80.0) > 35
    assert followed(busy_first).peak(8000.0) == pytest.approx(1.0)


def test_what_was_before_the_first_look_may_have_been_any_peak():
    assert followed([(1000.0, 1), (1005.0, 1)]).peak(900.0) == math.inf


def test_the_memory_stays_small():
    demand = followed([(float(now), now % 7) for now in range(0, 40_000, 5)])
    assert len(demand.peaks) <= tuning.PEAKS_KEPT / tuning.PEAK_LASTS + 2


def test_a_load_that_sways_makes_no_replica_begin_and_end_in_turns():
    """A load between six and nine of ten slots: whatever is begun in the first minute is there at the end."""
    demand, there, history = Demand(), 1, []
    for now in range(0, 7200, 5):
        demand = follow(demand, 6 + (now // 120) % 4, float(now))
        for change in scale("m", [site("near", *units(there))], demand):
            there += 1 if change.replica is None else -1
        history.append(there)
    assert all(before <= after for before, after in pairwise(history))


@pytest.mark.parametrize(
    ("sites", "wanted", "kept"),
    [
        ([site("near"), site("far")], 0, [0, 0]),
        ([site("near", *units(1)), site("far")], 1, [1, 0]),
        ([site("near", *units(1)), site("far")], 3, [3, 0]),
        ([site("near", *units(1)), site("far")], 6, [4, 2]),
        ([site("near"), site("far", *units(2))], 3, [0, 3]),
        ([site("near", takes=600.0), site("far", takes=60.0)], 2, [0, 2]),
        ([site("near", least=3), site("far")], 2, [3, 0]),
        ([site("near", *units(1), most=None), site("far")], 2, [0, 1]),
        ([site("near"), site("far")], 100, [4, 4]),
    ],
)
def test_a_batch_keeps_as_many_replicas_as_it_asks_for(sites, wanted, kept):
    assert [site.least for site in at_least(sites, wanted)] == kept


def test_replicas_that_a_batch_asks_for_are_begun_and_stay_without_anybody_else():
    sites = at_least([site("near", *units(1))], 2)
    assert changes(sites, steady(0)) == ["near +"]
    sites = at_least([site("near", *units(2))], 2)
    assert changes(sites, calm_since(4000, before=0, now=0)) == []
    assert changes([site("near", *units(2))], calm_since(4000, before=0, now=0)) == ["near -r0"]
