"""A replica that is to outlive its job gets one successor, in good time."""

from __future__ import annotations

import time

import pytest
from first_jupyter_remote.protocol import ReplicaRecord, Stage
from first_jupyter_server.clusters.running import Running
from first_jupyter_server.clusters.succession import due, lead, outlives, rest
from first_jupyter_server.clusters.successors import Successors

from .conftest import until

HOUR = 3600.0


def ready(name="old", **terms):
    return ReplicaRecord(name, "m", Stage.READY, pid=1, **terms)


@pytest.mark.parametrize(
    ("terms", "answer"),
    [
        ({"job_ends": 100.0, "expires": 101.0}, True),
        ({"job_ends": 100.0, "expires": 100.0}, False),
        ({"job_ends": 100.0, "expires": 50.0, "held_until": 200.0}, True),
        ({"job_ends": 100.0, "expires": None}, True),
        ({"job_ends": None, "expires": None}, False),
    ],
)
def test_a_replica_outlives_its_job_if_its_lease_does(terms, answer):
    assert outlives(ready(**terms)) is answer


@pytest.mark.parametrize("stage", [Stage.QUEUED, Stage.LOADING, Stage.DRAINING, Stage.STOPPED])
def test_only_a_replica_that_is_ready_has_a_successor(stage):
    assert not outlives(ReplicaRecord("r", "m", stage, job_ends=100.0))


@pytest.mark.parametrize(
    ("took", "length", "seconds"),
    [
        ([100.0, 600.0, 800.0], 8 * HOUR, 960.0),
        ([10.0], 8 * HOUR, 180.0),
        ([], 8 * HOUR, 600.0),
        ([], None, 600.0),
        ([2 * HOUR], 2 * HOUR, HOUR),
    ],
)
def test_the_lead_is_what_starts_take_and_at_most_half_the_job(took, length, seconds):
    assert lead(took, length) == seconds


def test_a_successor_is_due_before_its_predecessor_drains():
    assert due(job_ends=HOUR + 90.0, drain_at=HOUR, ready=0.0, took=[600.0]) == HOUR - 960.0


def test_in_a_short_job_a_successor_is_due_half_its_time_before_the_drain():
    assert due(job_ends=80.0, drain_at=60.0, ready=0.0, took=[]) == 60.0 - 40.0


def test_a_replica_that_does_not_tell_when_it_drains_may_do_so_until_its_job_ends():
    assert Running(ready(job_ends=100.0, drain_at=90.0)).drain_at == 90.0
    assert Running(ready(job_ends=100.0)).drain_at == 100.0


@pytest.mark.parametrize(("held_until", "left"), [(None, None), (90.0, None), (160.0, 60.0)])
def test_the_rest_of_a_hold_is_what_is_left_of_it(held_until, left):
    assert rest(held_until, now=100.0) == left


class Cluster:
    """Replicas as plain values, and the successors that were asked for."""

    def __init__(self, *runs):
        self.runs = {run.record.replica: run for run in runs}
        self.asked = []
        self.successors = Successors(lambda: dict(self.runs), lambda model: [], self.launch)

    def launch(self, model, hold, follows):
        name = f"new-{len(self.asked)}"
        self.asked.append((follows.record.replica, hold))
        self.runs[name] = Running(ReplicaRecord(name, model), follows=follows.record.replica)

    def end(self, name, reason):
        run = self.runs.pop(name)
        run.take(ReplicaRecord(name, "m", Stage.FAILED, reason))
        self.successors.has_ended(run)


def run(ends_in, ready_for=HOUR, **terms):
    now = time.time()
    return Running(ready(job_ends=now + ends_in, **terms), host="n1", ready=now - ready_for)


async def test_a_successor_that_is_due_is_asked_for_once():
    cluster = Cluster(run(ends_in=300.0))
    cluster.successors.see()
    cluster.successors.see()
    assert cluster.asked == [("old", None)]


async def test_a_successor_gets_the_rest_of_the_hold():
    cluster = Cluster(run(ends_in=300.0, held_until=time.time() + 2 * HOUR, expires=time.time() + 2 * HOUR))
    cluster.successors.see()
    ((_, hold),) = cluster.asked
    assert hold == pytest.approx(2 * HOUR, abs=60)


async def test_a_successor_is_asked_for_when_it_is_due_without_a_look():
    now = time.time()
    soon = Running(ready(job_ends=now + 4.2, drain_at=now + 3.2), ready=now)  # 2.1 s for the start
    cluster = Cluster(soon)
    cluster.successors.see()
    assert cluster.asked == []
    await until(lambda: cluster.asked == [("old", None)], seconds=10)


async def test_a_replica_that_was_stopped_has_no_successor():
    old = run(ends_in=300.0)
    old.stopped = True
    cluster = Cluster(old)
    cluster.successors.see()
    assert cluster.asked == []


async def test_a_successor_that_fails_is_tried_again_three_times_in_all_and_it_is_said_why():
    old = run(ends_in=300.0)
    cluster = Cluster(old)
    for tried in range(5):
        old.not_before = 0.0
        cluster.successors.see()
        if (name := f"new-{tried}") in cluster.runs:
            cluster.end(name, "no node is free")
    cluster.successors.end()
    assert len(cluster.asked) == 3
    assert "it ends at " in old.reason
    assert "no node is free; that was the last of 3 tries" in old.reason


async def test_another_try_waits_for_a_while():
    cluster = Cluster(run(ends_in=300.0))
    cluster.successors.see()
    cluster.end("new-0", "no node is free")
    cluster.successors.end()
    assert len(cluster.asked) == 1


async def test_a_successor_that_is_there_takes_the_complaint_away():
    old = run(ends_in=300.0)
    cluster = Cluster(old)
    cluster.successors.see()
    cluster.end("new-0", "no node is free")
    old.not_before = 0.0
    cluster.successors.see()
    cluster.successors.is_there(cluster.runs["new-1"])
    assert old.reason == ""
