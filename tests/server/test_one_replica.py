"""One replica alone: its end, and the end of its log."""

import logging

import pytest
from first_jupyter_remote.log import Log
from first_jupyter_remote.protocol import Stage
from first_jupyter_server.allow import AllowLists, Person
from first_jupyter_server.clusters.globus_faults import ComputeFault
from first_jupyter_server.errors import ApiError
from first_jupyter_server.federation.catalog import State
from first_jupyter_server.federation.federation import Federation
from first_jupyter_server.federation.logs import Logs

from .conftest import until
from .nearby_cluster import Cluster, answering


@pytest.fixture
async def lab(tmp_path, replica_server):
    lab = await Cluster(tmp_path, await replica_server(answering(b'{"data": [{"id": "org/model"}]}'))).open()
    yield lab
    for server in lab.servers:
        await server.close()


@pytest.fixture
def federation(tmp_path, lab):
    allow = AllowLists({}, Person("ada", frozenset()))
    log = logging.getLogger("first")
    federation = Federation(problems=(), allow=allow, choice_file=tmp_path / "choice.json", log=log)
    federation.add(lab.cluster)
    return federation


async def have_two(lab):
    """Have two replicas, the second one on its way."""
    first = await lab.have_hot()
    await lab.cluster.add("org/model")
    second = await lab.job(2)
    lab.write(second, Stage.LOADING)
    await until(lambda: [lease.stage for lease in lab.place.leases] == ["ready", "loading"])
    return first, second


async def test_one_of_several_replicas_is_ended_and_the_others_stay(lab, federation):
    first, second = await have_two(lab)
    federation.stop("org/model", replica=second)
    await until(lambda: lab.endpoint.made("stop"))
    assert [args[1] for args, _ in lab.endpoint.made("stop")] == [second]
    assert {lease.replica: lease.stage for lease in lab.place.leases} == {first: "ready", second: "draining"}
    assert lab.place.state is State.HOT


@pytest.mark.parametrize("replica", ["another", "../other"])
async def test_a_replica_that_is_not_there_is_not_ended_and_that_is_said(lab, federation, replica):
    await lab.have_hot()
    with pytest.raises(ApiError, match=f"There is no replica {replica} of org/model") as refused:
        federation.stop("org/model", "lab", replica)
    assert refused.value.status == 404
    assert lab.endpoint.made("stop") == []


def says(lab, replica, *lines):
    log = Log(lab.home / "replicas" / f"{replica}.log")
    for line in lines:
        log.add(line)


async def test_the_log_of_a_replica_that_runs_is_read_where_it_runs(lab, federation):
    first, second = await have_two(lab)
    says(lab, first, "one", "two")
    says(lab, second, "three")
    logs = Logs(federation)
    model, log = await logs.log("org/model")
    assert (model.id, log.cluster, log.replica, log.node) == ("org/model", "lab", first, "n1")
    assert (log.lines, log.reason) == (("one", "two"), "")
    assert (await logs.log("org/model", "lab", second))[1].lines == ("three",)


async def test_a_replica_that_has_not_begun_has_no_log_yet(lab, federation):
    await lab.cluster.start("org/model")
    name = await lab.job()
    with pytest.raises(ApiError, match=f"{name} has no log yet") as refused:
        await Logs(federation).log("org/model", replica=name)
    assert refused.value.status == 404


async def test_where_none_runs_the_log_is_that_of_the_last_one_that_failed(lab, federation):
    name = await lab.have_hot()
    lab.write(name, Stage.FAILED, reason="out of memory", log=("CUDA error",))
    await lab.until(State.OFFLINE)
    for replica in (None, name):
        log = (await Logs(federation).log("org/model", replica=replica))[1]
        assert (log.replica, log.reason, log.lines) == (name, "out of memory", ("CUDA error",))


async def test_a_model_that_nobody_started_has_no_log(federation):
    with pytest.raises(ApiError, match="There is no log of org/model on lab to show") as refused:
        await Logs(federation).log("org/model", "lab")
    assert (refused.value.status, refused.value.code) == (404, "no_log")


async def test_a_cluster_that_does_not_tell_is_named_with_the_reason(lab, federation):
    await lab.have_hot()
    lab.endpoint.fault = ComputeFault("its agent on the cluster does not run", passing=True)
    with pytest.raises(
        ApiError, match="could not be fetched: its agent on the cluster does not run"
    ) as refused:
        await Logs(federation).log("org/model")
    assert refused.value.status == 502
