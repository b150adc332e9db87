"""Models that sleep: cold, and a few seconds away; who wants one has it woken."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path

import pytest
from first_jupyter_remote.protocol import ReplicaRecord, Stage
from first_jupyter_server import config
from first_jupyter_server.clusters.globus_faults import ComputeFault
from first_jupyter_server.clusters.local import LocalCluster
from first_jupyter_server.clusters.running import Running
from first_jupyter_server.clusters.surroundings import Surroundings
from first_jupyter_server.federation import router
from first_jupyter_server.federation.catalog import Lease, Model, Place, State
from first_jupyter_server.federation.history import StartHistory
from first_jupyter_server.federation.survey import units

from .conftest import until
from .nearby_cluster import Cluster, answering

MODEL = {"id": "org/model", "backend": "vllm", "weights": "/w", "sleep_after": 60}


@pytest.fixture
async def lab(tmp_path, replica_server):
    replica = await replica_server(answering(b'{"data": [{"id": "org/model"}]}'))
    lab = await Cluster(tmp_path, replica).open(models=[MODEL])
    yield lab
    for server in lab.servers:
        await server.close()


async def have_asleep(lab):
    """Return the name of a replica that was hot, and sleeps."""
    name = await lab.have_hot()
    lab.write(name, Stage.ASLEEP, reason="asleep")
    await lab.until(State.COLD)
    return name


def ordered(lab, name):
    return (lab.home / "replicas" / f"{name}.wake").exists()


async def test_a_model_that_sleeps_is_cold_and_a_few_seconds_away(lab):
    await have_asleep(lab)
    place = lab.place
    assert (place.stage, place.reason) == ("asleep", "asleep; awake about 5 s after a request")
    assert (place.eta, place.replicas, place.ended) == (5.0, (), None)
    assert [lease.stage for lease in place.leases] == ["asleep"]


async def test_who_wants_it_has_it_woken_instead_of_another_one_started(lab):
    name = await have_asleep(lab)
    await lab.cluster.start("org/model")
    assert (lab.place.state, lab.place.reason) == (State.STARTING, "waking up")
    assert lab.place.eta == pytest.approx(5, abs=1)
    await until(lambda: ordered(lab, name))
    lab.write(name, Stage.WARMING, reason="waking up", wakes=1)
    lab.write(name, wakes=1)
    await lab.until(State.HOT)
    assert len(lab.endpoint.made("serve")) == 1


async def test_it_is_told_once_however_many_want_it(lab):
    await have_asleep(lab)
    for _ in range(3):
        await lab.cluster.start("org/model")
    await until(lambda: lab.endpoint.made("wake"))
    assert len(lab.endpoint.made("wake")) == 1


async def test_it_is_held_and_woken(lab):
    name = await have_asleep(lab)
    await lab.cluster.start("org/model", 7200.0)
    await until(lambda: ordered(lab, name) and list((lab.home / "replicas").glob(f"{name}.hold")))


async def test_how_long_it_takes_to_wake_up_is_learnt(lab):
    name = await have_asleep(lab)
    await lab.cluster.start("org/model")
    lab.write(name, wakes=1)
    await lab.until(State.HOT)
    lab.write(name, Stage.ASLEEP, reason="asleep", wakes=1)
    assert (await lab.until(State.COLD)).eta < 5.0
    assert len(lab.cluster.took("org/model")) == 1


async def test_one_that_cannot_be_woken_says_why_and_may_be_woken_again(lab):
    name = await have_asleep(lab)
    lab.endpoint.fault = ComputeFault("the endpoint e-1 is offline")
    before = time.time()
    await lab.cluster.start("org/model")
    place = await lab.until(State.COLD)
    assert "it could not be woken: the endpoint e-1 is offline" in place.reason
    assert router.came_to_nothing(place, before)
    assert place.again
    lab.endpoint.fault = None
    await lab.cluster.start("org/model")
    await until(lambda: ordered(lab, name))
    assert "could not be woken" not in lab.place.reason


async def test_the_next_server_finds_it_asleep_and_wakes_it(lab):
    name = await have_asleep(lab)
    await lab.cluster.close()
    await lab.open(models=[MODEL])
    await lab.until(State.COLD)
    await lab.cluster.start("org/model")
    await until(lambda: ordered(lab, name))
    lab.write(name, wakes=1)
    await lab.until(State.HOT)


@pytest.fixture
async def desk(tmp_path):
    """Return a model on this machine, served by a stand-in for vLLM's server."""
    script = tmp_path / "python"
    fake = Path(__file__).parents[1] / "remote" / "fake_server.py"
    script.write_text(f"#!{sys.executable}\n{fake.read_text()}")
    script.chmod(0o755)
    (tmp_path / "up").touch()
    (tmp_path / "metrics").write_text("vllm:num_requests_running 0\n")
    model = {**MODEL, "weights": str(tmp_path), "python": str(script), "sleep_after": 1}
    section = config.LocalCluster.model_validate({"kind": "local", "models": [model]})
    history, log = StartHistory(tmp_path / "starts.json"), logging.getLogger("first")
    desk = LocalCluster("desk", section, Surroundings(tmp_path, None, None, history, lambda: None, log))
    yield desk
    await desk.close()


async def test_a_model_of_this_machine_sleeps_and_wakes(desk):
    def state():
        return desk.offers()[0].place.state

    await desk.start("org/model")
    await until(lambda: state() is State.HOT, 20)
    await until(lambda: state() is State.COLD, 20)
    await desk.start("org/model")
    assert state() is State.STARTING
    await until(lambda: state() is State.HOT, 20)
    (lease,) = desk.offers()[0].place.leases
    assert lease.stage == "ready"


def asleep(**more):
    return ReplicaRecord("r", "m", Stage.ASLEEP, "asleep", pid=1, **more)


@pytest.mark.parametrize(
    ("records", "stage", "missed"),
    [
        ([], "warming", False),
        ([asleep()], "warming", False),
        ([asleep(wakes=1)], "asleep", True),
        ([ReplicaRecord("r", "m", Stage.WARMING, wakes=1), asleep(wakes=1)], "asleep", True),
        ([ReplicaRecord("r", "m", Stage.LOADING, restarts=1), asleep(restarts=1)], "asleep", False),
    ],
)
def test_one_that_slept_again_before_anybody_saw_it_is_woken_anew(records, stage, missed):
    run = Running(asleep())
    run.rouse()
    for record in records:
        run.take(record)
    assert (run.stage, run.missed is not None) == (stage, missed)
    assert run.rouse() is (stage == "asleep")


def test_who_sleeps_is_woken_before_a_model_is_started_elsewhere():
    near = Place("near", "local", "vllm", State.COLD)
    starting = Place("busy", "globus-compute", "vllm", State.STARTING, eta=60.0)
    asleep = Place("lab", "globus-compute", "vllm", State.COLD, eta=5.0, leases=(Lease("r", "asleep"),))
    assert router.waits_for(Model("m", places=(near, starting, asleep)), None) is asleep


def test_one_that_is_kept_warm_may_sleep():
    place = Place("lab", "k", "vllm", State.COLD, leases=(Lease("r", "asleep"),))
    assert [unit.ready for unit in units(place, {}, 0.0)] == [True]
