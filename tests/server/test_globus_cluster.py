"""The kind globus-compute as the federation uses it: all true but the way to the cluster."""

from __future__ import annotations

import json
import time

import pytest
from first_jupyter_remote.protocol import ReplicaRecord, Stage
from first_jupyter_server.clusters import globus_replicas
from first_jupyter_server.clusters.globus_faults import ComputeFault
from first_jupyter_server.federation.catalog import State

from .conftest import until
from .nearby_cluster import HOUR, Cluster, answering


@pytest.fixture
async def lab(tmp_path, replica_server):
    replica = await replica_server(answering(b'{"data": [{"id": "org/model"}]}'))
    lab = await Cluster(tmp_path, replica).open()
    yield lab
    for server in lab.servers:
        await server.close()


async def test_a_start_is_one_submission_and_one_look_until_it_has_begun(lab):
    await lab.have_hot()
    assert [name for name, _, _ in lab.endpoint.calls] == ["serve", "watch"]


async def test_models_that_run_together_are_one_submission_for_all_their_gpus(tmp_path):
    models = [
        {"id": f"org/{name}", "backend": "vllm", "weights": "/w", "gpus": gpus, "together": together}
        for name, gpus, together in (("a", 2, "small"), ("b", 1, "small"), ("c", 4, None))
    ]
    lab = await Cluster(tmp_path, None).open(models=models)
    await lab.cluster.start("org/b", 60.0)
    await until(lambda: lab.endpoint.made("serve_together"))
    (((parts, _), kwargs),) = lab.endpoint.made("serve_together")
    assert [(part["spec"]["id"], part["spec"]["gpus"]) for part in parts] == [("org/b", 1), ("org/a", 2)]
    assert kwargs["hold"] == 60.0
    assert [offer.place.state for offer in lab.cluster.offers()] == [State.QUEUED, State.QUEUED, State.COLD]
    assert lab.endpoint.asked_for == [{"gpus": 3, "role": "serve"}]
    future = next(iter(lab.endpoint.jobs.values()))
    lasts = [ReplicaRecord(part["replica"], part["spec"]["id"], Stage.STOPPED, "done") for part in parts]
    future.set_result([last.to_json() for last in lasts])
    await until(lambda: not [offer for offer in lab.cluster.offers() if offer.place.state is State.QUEUED])
    await lab.cluster.close()


async def test_models_that_have_the_gpus_in_turn_are_asked_for_as_many_as_one_takes(tmp_path):
    models = [
        {
            "id": f"org/{name}",
            "backend": "vllm",
            "weights": "/w",
            "gpus": gpus,
            "together": "big",
            "sleep_after": 60,
        }
        for name, gpus in (("a", 2), ("b", 4))
    ]
    lab = await Cluster(tmp_path, None).open(models=models)
    await lab.cluster.start("org/a")
    await until(lambda: lab.endpoint.asked_for)
    assert lab.endpoint.asked_for == [{"gpus": 4, "role": "serve"}]
    await lab.cluster.close()


async def test_a_replica_is_started_to_be_held(lab):
    await lab.cluster.start("org/model", 7200.0)
    await lab.job()
    ((_, kwargs),) = lab.endpoint.made("serve")
    assert kwargs["hold"] == 7200.0


async def test_a_replica_that_is_there_is_held_instead_of_another_one_started(lab):
    name = await lab.have_hot()
    await lab.cluster.start("org/model", 7200.0)
    await until(lambda: list((lab.home / "replicas").glob(f"{name}.hold*")))
    assert len(lab.endpoint.made("serve")) == 1


async def test_a_replica_on_its_way_is_held_too(lab):
    await lab.cluster.start("org/model")
    name = await lab.job()
    await lab.cluster.start("org/model", 7200.0)
    await until(lambda: list((lab.home / "replicas").glob(f"{name}.hold*")))


async def test_a_hold_that_cannot_be_placed_is_told(lab):
    await lab.have_hot()
    lab.endpoint.fault = ComputeFault("the endpoint e-1 is offline")
    await lab.cluster.start("org/model", 7200.0)
    await until(lambda: lab.place.reason.startswith("it could not be held: the endpoint e-1 is offline"))


async def test_a_replica_that_is_to_outlive_its_job_gets_one_successor_with_the_rest_of_its_hold(lab):
    now = time.time()
    old = await lab.have_hot(job_ends=now + 1, held_until=now + HOUR)
    new = await lab.job(2)
    _, (_, kwargs) = lab.endpoint.made("serve")
    assert kwargs["hold"] == pytest.approx(HOUR, abs=60)
    lab.write(new)
    await until(lambda: [replica.id for replica in lab.place.replicas] == [new, old])
    lab.write(old, Stage.DRAINING)
    await until(lambda: [replica.id for replica in lab.place.replicas] == [new])
    assert lab.place.state is State.HOT
    assert len(lab.endpoint.jobs) == 2


async def test_a_replica_whose_lease_ends_before_its_job_has_no_successor(lab):
    now = time.time()
    await lab.have_hot(job_ends=now + 300, expires=now + 200)
    await lab.cluster.start("org/model")
    assert len(lab.endpoint.jobs) == 1


async def test_the_next_server_knows_the_successor(lab):
    now = time.time()
    old = await lab.have_hot(job_ends=now + 1)
    await lab.job(2)
    asked = lab.data / "clusters" / "lab" / "asked.json"
    await until(lambda: [order["task"] for order in json.loads(asked.read_text())] == ["task"] * 2)
    await lab.cluster.close()
    await lab.open()
    await lab.until(State.HOT)
    assert {lease.replica for lease in lab.place.leases} == {
        old,
        *{o["replica"] for o in json.loads(asked.read_text())},
    }
    assert lab.endpoint.made("serve") == []


async def test_a_successor_that_fails_is_told_and_the_old_one_serves_on(lab):
    await lab.have_hot(job_ends=time.time() + 1)
    lab.endpoint.jobs[await lab.job(2)].set_exception(ComputeFault("no node is free", ended=True))
    await until(lambda: "its successor ended: no node is free" in lab.place.reason)
    assert lab.place.reason.startswith("it ends at ")
    assert lab.place.state is State.HOT


async def test_a_replica_that_did_not_take_a_request_is_looked_at_at_once(lab):
    name = await lab.have_hot()
    await until(lambda: len(lab.endpoint.made("watch")) == 2)
    lab.replica.answer = answering(b"gone")
    lab.write(name, updated=time.time() - 100)
    lab.cluster.unreachable(name, "connection refused")
    assert lab.place.replicas == ()
    await until(lambda: len(lab.endpoint.made("watch")) == 3)
    (*_, patience), _ = lab.endpoint.made("watch")[-1]
    assert patience < 5


async def test_a_replica_whose_node_agent_is_silent_has_ended(lab):
    name = await lab.have_hot()
    await until(lambda: len(lab.endpoint.made("watch")) == 2)
    lab.write(name, updated=time.time() - 600)
    place = await lab.until(State.OFFLINE)
    assert "is gone" in place.reason


async def test_a_replica_that_cannot_be_reached_for_a_while_comes_back(lab):
    name = await lab.have_hot()
    answer, lab.replica.answer = lab.replica.answer, answering(b"{}")
    lab.cluster.unreachable(name, "connection refused")
    assert lab.place.replicas == ()
    lab.replica.answer = answer
    await lab.until(State.HOT)


async def test_a_replica_that_was_given_to_a_job_that_is_over_is_asked_for_again_a_few_times(
    lab, monkeypatch
):
    monkeypatch.setattr(globus_replicas, "AGAIN", (0.0, 0.0))
    lost = ComputeFault("its job ended under it", ended=True, lost=True)
    await lab.cluster.start("org/model")
    name = await lab.job()
    for count in range(3):
        await until(lambda at=count: len(lab.endpoint.made("serve")) == at + 1)
        lab.endpoint.jobs[name].set_exception(lost)
    place = await lab.until(State.OFFLINE)
    assert place.reason == "its job ended under it"
    assert not place.again
    assert list(lab.endpoint.jobs) == [name]


async def test_a_replica_whose_job_ends_under_it_may_be_started_again_and_then_says_why(lab):
    await lab.cluster.start("org/model")
    name = await lab.job()
    lab.write(name, Stage.LOADING)
    await lab.until(State.STARTING)
    lab.endpoint.jobs[name].set_exception(ComputeFault("its job ended under it", ended=True, lost=True))
    place = await lab.until(State.OFFLINE)
    assert place.reason == "its job ended under it; start it again"
    assert place.again
    await lab.cluster.start("org/model")
    assert lab.place.reason.endswith("; started again: its job ended under it")


async def test_a_replica_that_is_told_to_end_after_it_was_stopped_here_is_not_started_again(lab):
    name = await lab.have_hot()
    await lab.cluster.stop("org/model")
    lab.write(name, Stage.STOPPED, reason="its node agent was told to end (SIGTERM)", again=True)
    assert not (await lab.until(State.COLD)).again


async def test_another_servers_replica_is_left_alone(lab):
    await lab.have_hot()
    lab.write("stranger", owner="somebody else")
    assert [lease.replica for lease in lab.place.leases] == list(lab.endpoint.jobs)


async def test_a_function_of_another_release_is_named(lab):
    async def of_before(*_, patience):
        return []

    lab.endpoint.call = of_before
    await lab.cluster.start("org/model")
    await until(lambda: "is of another release of first-jupyter" in lab.place.reason)
