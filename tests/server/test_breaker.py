"""Requests keep away from what fails; single ones try whether it is back."""

import pytest
from first_jupyter_server.federation import tuning
from first_jupyter_server.federation.breaker import Breaker


@pytest.fixture
def breaker():
    return Breaker()


def fail(breaker, times, replica="a1", cluster="a", now=0.0):
    for _ in range(times):
        breaker.failed(replica, cluster, "connection refused", now)


def test_a_single_failure_keeps_nobody_away(breaker):
    fail(breaker, tuning.REPLICA_FAILURES - 1)
    assert breaker.blocked("a1", "a", 0.0) is None


def test_failures_in_a_row_keep_requests_away_and_say_why(breaker):
    fail(breaker, tuning.REPLICA_FAILURES)
    assert breaker.blocked("a1", "a", 0.0) == "connection refused; it is tried again in 1 s"
    assert breaker.blocked("a2", "a", 0.0) is None


def test_an_answer_in_between_begins_the_count_anew(breaker):
    fail(breaker, tuning.REPLICA_FAILURES - 1)
    breaker.answered("a1", "a")
    fail(breaker, tuning.REPLICA_FAILURES - 1)
    assert breaker.blocked("a1", "a", 0.0) is None


def test_after_a_pause_one_request_tries_it(breaker):
    fail(breaker, tuning.REPLICA_FAILURES)
    later = tuning.REPLICA_PAUSE
    assert breaker.blocked("a1", "a", later) is None
    breaker.took("a1", "a")
    assert "one request is trying it" in breaker.blocked("a1", "a", later)
    breaker.answered("a1", "a")
    assert breaker.blocked("a1", "a", later) is None


def test_a_trial_that_leaves_early_makes_room_for_another(breaker):
    fail(breaker, tuning.REPLICA_FAILURES)
    breaker.took("a1", "a")
    breaker.gave_up("a1", "a")
    assert breaker.blocked("a1", "a", tuning.REPLICA_PAUSE) is None


def test_each_trial_that_fails_doubles_the_pause_up_to_the_longest(breaker):
    fail(breaker, tuning.REPLICA_FAILURES)
    now, pauses = tuning.REPLICA_PAUSE, []
    for _ in range(8):
        breaker.took("a1", "a2")
        breaker.failed("a1", "other", "lost", now)
        pause = next(p for p in range(1, 100) if breaker.blocked("a1", "a", now + p) is None)
        pauses.append(pause)
        now += pause
    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]


def test_many_replicas_that_fail_are_a_cluster_that_fails(breaker):
    for number in range(tuning.CLUSTER_FAILURES):
        fail(breaker, 1, f"a{number}")
    assert breaker.blocked("a99", "a", 0.0).startswith("a fails: connection refused")
    assert breaker.blocked("", "a", 0.0) is not None
    assert breaker.blocked("a99", "a", tuning.CLUSTER_PAUSE) is None


def test_replicas_that_are_gone_are_forgotten(breaker):
    fail(breaker, tuning.REPLICA_FAILURES)
    breaker.forget({"b1"})
    assert breaker.blocked("a1", "a", 0.0) is None
