"""What is told of a start: its stages with their times, and who may be started and stopped at all."""

import dataclasses
import json
import time

import pytest
from first_jupyter_remote.protocol import ReplicaRecord, Stage
from first_jupyter_server.clusters.running import Running
from first_jupyter_server.control.events import changes
from first_jupyter_server.federation.catalog import Catalog, Model, Place, State, Step
from first_jupyter_server.federation.history import steps
from first_jupyter_server.federation.place import Lease

from .conftest import until
from .nearby_cluster import Cluster, answering

ORDER = ("queued", "fetching", "loading", "warming")
EARLIER = {"queued": [100.0, 300.0, 200.0], "loading": [80.0, 40.0, 60.0], "warming": [10.0]}


def test_a_start_has_stages_behind_it_one_that_it_is_in_and_some_ahead():
    assert steps(ORDER, "loading", {"queued": 1000.0, "loading": 1130.0}, EARLIER) == (
        Step("queued", "done", seconds=130.0, usual=140.0),
        Step("loading", "now", began=1130.0, usual=50.0),
        Step("warming", "ahead", usual=10.0),
    )


def test_what_is_usual_adds_up_to_the_estimate():
    assert sum(step.usual for step in steps(ORDER, "queued", {}, EARLIER)) == 200.0


def test_a_first_start_has_all_its_stages_ahead_without_their_times():
    assert [(step.stage, step.state, step.usual) for step in steps(ORDER, "queued", {}, {})] == [
        ("queued", "now", None),
        *((name, "ahead", None) for name in ORDER[1:]),
    ]


def test_a_stage_in_which_nobody_saw_it_has_no_time():
    assert steps(ORDER, "warming", {"queued": 5.0}, {})[0] == Step("queued", "done")


def starting(**step):
    place = Place("c", "local", "vllm", State.STARTING, stages=(Step("loading", "now", **step),))
    return Catalog(models=(Model("m", places=(place,)),))


def test_the_seconds_of_the_stage_that_it_is_in_count_up_by_themselves():
    catalog = starting(began=time.time() - 60, usual=90.0)
    assert Catalog.from_json(json.loads(json.dumps(catalog.to_json()))) == catalog
    (stage,) = catalog.public()["models"][0]["clusters"][0]["stages"]
    assert stage == {
        "stage": "loading",
        "state": "now",
        "seconds": pytest.approx(60, abs=30),
        "usual": 90.0,
    }
    assert list(changes(catalog, catalog)) == []


def test_a_replica_tells_when_it_entered_its_stages_however_rarely_it_is_looked_at():
    run, now = Running.wanted(ReplicaRecord("r", "m")), time.time()
    entered = {"queued": now - 50, "fetching": now - 49, "loading": now - 40, "warming": now - 2}
    run.take(ReplicaRecord("r", "m", Stage.WARMING, pid=1, entered=entered, updated=now))
    assert run.moments["loading"] - run.moments["fetching"] == pytest.approx(9, abs=0.1)
    assert run.moments["queued"] == pytest.approx(run.asked, abs=1)
    assert run.moments == run.moments


def test_a_lease_says_since_when_and_by_which_path():
    run = Running.wanted(ReplicaRecord("r", "m", Stage.LOADING))
    assert run.lease() == Lease("r", "loading", since=run.asked)
    run.host, run.path = "n1", "tunnel"
    assert run.lease().path == "tunnel"


@pytest.fixture
async def lab(tmp_path, replica_server):
    lab = await Cluster(tmp_path, await replica_server(answering(b"{}"))).open()
    yield lab
    for server in lab.servers:
        await server.close()


async def test_a_start_on_a_cluster_tells_its_stages(lab):
    await lab.cluster.start("org/model")
    name, now = await lab.job(), time.time()
    assert [(step.stage, step.state) for step in lab.place.stages][:2] == [
        ("queued", "now"),
        ("fetching", "ahead"),
    ]
    entered = {"queued": now - 9, "loading": now - 8}
    lab.write(name, Stage.LOADING, entered=entered)
    await lab.until(State.STARTING)
    assert [(step.stage, step.state) for step in lab.place.stages] == [
        ("queued", "done"),
        ("loading", "now"),
        ("warming", "ahead"),
    ]
    assert lab.place.stages[1].began == pytest.approx(entered["loading"], abs=1)


async def test_the_next_server_knows_since_when_a_replica_was_wanted(lab):
    await lab.cluster.start("org/model")
    await until(lambda: lab.cluster._asked.orders and lab.endpoint.jobs)
    (lease,) = lab.place.leases
    await lab.cluster.close()
    await lab.open()
    assert dataclasses.replace(lab.place.leases[0], stage=lease.stage).since == lease.since
