"""Figures are smoothed by replica, lent by the cluster where a replica has none, and forgotten in time."""

import pytest
from first_jupyter_server.federation import tuning
from first_jupyter_server.federation.breaker import Breaker
from first_jupyter_server.federation.catalog import Replica
from first_jupyter_server.federation.measures import Measures


def replica(name, slots=2):
    return Replica(name, "127.0.0.1", 8000, slots=slots)


@pytest.fixture
def measures():
    return Measures(Breaker())


def test_nothing_is_known_at_first(measures):
    view = measures.at(0.0)
    assert (view.first_token("a1", "a"), view.service("a1", "a"), view.running("a1")) == (None, None, 0)


def test_requests_are_counted_in_and_out(measures):
    one = replica("a1")
    assert [measures.took(one), measures.took(one), measures.took(one)] == [0.5, 1.0, 1.5]
    measures.left(one)
    assert measures.at(0.0).running("a1") == 2


def test_a_replica_without_figures_has_its_clusters(measures):
    measures.began(replica("a1"), "a", 0.5, crowd=1.0, now=0.0)
    view = measures.at(0.0)
    assert (view.first_token("a2", "a"), view.first_token("b1", "b")) == (0.5, None)


def test_figures_follow_what_is_measured_step_by_step(measures):
    for seconds in (1.0, 2.0):
        measures.began(replica("a1"), "a", seconds, crowd=1.0, now=0.0)
    assert measures.at(0.0).first_token("a1", "a") == pytest.approx(1.0 + tuning.WEIGHT)


def test_the_wait_in_a_replicas_own_line_is_no_first_token(measures):
    measures.began(replica("a1"), "a", 9.0, crowd=1.5, now=0.0)
    assert measures.at(0.0).first_token("a1", "a") is None


def test_of_a_queued_answer_the_time_that_it_held_a_slot_counts(measures):
    measures.ended(replica("a1"), "a", 9.0, crowd=1.5, now=0.0)
    assert measures.at(0.0).service("a1", "a") == pytest.approx(6.0)


def test_old_figures_are_forgotten(measures):
    measures.began(replica("a1"), "a", 9.0, crowd=1.0, now=0.0)
    measures.began(replica("b1"), "b", 0.2, crowd=1.0, now=tuning.MEASURED_FOR)
    view = measures.at(tuning.MEASURED_FOR + 1.0)
    assert (view.first_token("a1", "a"), view.first_token("b1", "b")) == (None, 0.2)


def test_who_fails_is_kept_away_from():
    breaker = Breaker()
    for _ in range(tuning.REPLICA_FAILURES):
        breaker.failed("a1", "a", "lost", 5.0)
    measures = Measures(breaker)
    assert measures.at(5.0).blocked("a1", "a") is not None
    assert measures.at(5.0 + tuning.REPLICA_PAUSE).blocked("a1", "a") is None
