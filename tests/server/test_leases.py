"""How long replicas live, as the catalog shows it: by this server's clock, and without a flood of changes."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import replace

import pytest
from first_jupyter_remote.protocol import QueuedJob, ReplicaRecord, Stage
from first_jupyter_server.allow import AllowLists, Person
from first_jupyter_server.clusters.clocks import behind, here
from first_jupyter_server.clusters.replicas import Served
from first_jupyter_server.clusters.running import Running
from first_jupyter_server.config import LocalModel
from first_jupyter_server.control.api import ControlApi
from first_jupyter_server.control.events import changes
from first_jupyter_server.federation.catalog import Catalog, Lease, Model, Place, State
from first_jupyter_server.federation.federation import Federation

CONFIG = LocalModel(id="m", backend="vllm", weights={"path": "/w"})


@pytest.mark.parametrize(
    ("seen", "moment"),
    [(None, 1000.0), (0.5, 1000.0), (33.0, 1000.0), (-3.0, 1000.0), (600.0, 1600.0), (-3600.0, -2600.0)],
)
def test_only_a_clock_that_is_clearly_wrong_is_corrected(seen, moment):
    assert here(1000.0, seen) == moment


def test_what_is_not_known_stays_unknown():
    assert here(None, 600.0) is None


def test_the_age_of_a_record_is_no_fault_of_a_clock():
    seen = behind(None, arrived=100.0, updated=99.0)
    seen = behind(seen, arrived=200.0, updated=90.0)
    assert here(1000.0, seen) == 1000.0


def test_a_record_that_was_made_here_says_nothing_of_a_clock():
    assert behind(None, arrived=100.0, updated=0.0) is None


def record(**more):
    now = time.time()
    terms = {
        "node": "n1",
        "job": "4711",
        "held_until": now + 600,
        "expires": now + 600,
        "job_ends": now + 900,
    }
    return ReplicaRecord("r", "m", Stage.READY, pid=1, updated=now, **{**terms, **more})


def test_a_lease_is_what_the_node_agent_says():
    said = record()
    run = Running(said, host="n1")
    terms = (said.held_until, said.expires, said.job_ends)
    assert run.lease() == Lease("r", "ready", "n1", "4711", *terms, path="direct")


def test_a_lease_is_by_this_servers_clock():
    said, late = record(), 3600.0
    run = Running(ReplicaRecord("r", "m"), host="n1")
    run.take(replace(said, updated=said.updated - late, job_ends=said.job_ends - late))
    assert run.lease().job_ends == pytest.approx(said.job_ends, abs=5)


def test_an_end_that_moves_with_each_request_changes_the_lease_rarely():
    run, seen = Running(record(held_until=None), host="n1"), set()
    for used in range(60):
        run.record = replace(run.record, expires=1_000_000.0 + used)
        seen.add(run.lease().expires)
        assert 0 <= run.lease().expires - run.record.expires < 15
    assert len(seen) == 5


def test_a_job_that_waits_has_a_lease_and_says_what_for():
    run = Running(ReplicaRecord("r", "m", reason="waiting for a node"), job=QueuedJob("4711", "debug", 2))
    assert (run.lease().job, run.lease().stage) == ("4711", "queued")
    assert run.reason == "waiting for a node: job 4711 is 2nd in the queue debug"


def test_leases_are_public_and_cross_the_pipe():
    place = Place("c", "local", "vllm", State.HOT, leases=(Running(record(), host="n1").lease(),))
    catalog = Catalog(models=(Model("m", places=(place,)),))
    (lease,) = catalog.public()["models"][0]["clusters"][0]["leases"]
    names = [
        "replica",
        "stage",
        "node",
        "job",
        "held_until",
        "expires",
        "job_ends",
        "follows",
        "since",
        "path",
    ]
    assert list(lease) == names
    assert Catalog.from_json(json.loads(json.dumps(catalog.to_json()))) == catalog


def hot(**lease):
    place = Place("c", "local", "vllm", State.HOT, leases=(Lease("r", "ready", **lease),))
    return Catalog(models=(Model("m", places=(place,)),))


def test_an_end_that_moves_is_no_event_and_a_hold_is():
    assert list(changes(hot(expires=1.0), hot(expires=2.0))) == []
    assert len(list(changes(hot(expires=1.0), hot(expires=2.0, held_until=2.0)))) == 1


def test_requests_go_to_the_successor_first():
    old = Running(record(), host="n1")
    new = Running(replace(record(), replica="new"), host="n2", follows="r")
    place = Served(CONFIG, {"r": old, "new": new}).place("c", "k")
    assert [replica.id for replica in place.replicas] == ["new", "r"]
    assert place.state is State.HOT


def test_a_replica_that_drains_takes_no_requests_while_its_successor_serves():
    old = Running(replace(record(), stage=Stage.DRAINING))
    new = Running(replace(record(), replica="new"), host="n2", follows="r")
    place = Served(CONFIG, {"r": old, "new": new}).place("c", "k")
    assert [replica.id for replica in place.replicas] == ["new"]
    assert place.state is State.HOT


async def ask_for(tmp_path, hold):
    """Ask for a model to be held for what stands in the body; returns the status and the error."""
    allow = AllowLists({}, Person("ada", frozenset()))
    log = logging.getLogger("first")
    federation = Federation(problems=(), allow=allow, choice_file=tmp_path / "choice.json", log=log)
    api = ControlApi(federation, None, None, None, (), {}, None, None)
    body = f'{{"model": "m", "hold": {hold}}}'.encode()
    status, answer = await api.handle("POST", "models/start", body)
    return status, answer["error"]


@pytest.mark.parametrize("hold", ["-1", "0", "1e300", '"2h"', "true", "[]"])
async def test_a_hold_is_a_number_of_seconds(tmp_path, hold):
    status, error = await ask_for(tmp_path, hold)
    assert (status, error["param"]) == (400, "hold")
    assert "'hold' must be" in error["message"]


@pytest.mark.parametrize("hold", ["NaN", "Infinity", "1e400", "1" + "0" * 400])
async def test_what_is_no_number_in_json_is_no_hold(tmp_path, hold):
    status, error = await ask_for(tmp_path, hold)
    assert (status, error["code"]) == (400, "invalid_json")
