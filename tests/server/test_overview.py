"""The clusters as people see them, at once, and what is news of them."""

import dataclasses
import logging
import time

import pytest
from first_jupyter_server.allow import AllowLists, Person
from first_jupyter_server.clusters.base import Offer, Status
from first_jupyter_server.clusters.overview import Overview
from first_jupyter_server.federation.catalog import Place, Replica, State
from first_jupyter_server.federation.federation import Federation

from .conftest import until
from .nearby_cluster import Cluster, answering


class Known:
    """A cluster that is as the test says."""

    unstoppable, kind = "", "globus-compute"

    def __init__(self, name):
        self.name, self.status, self.replicas = name, Status("unknown"), ()

    def offers(self):
        place = Place(self.name, self.kind, "vllm", State.HOT, replicas=self.replicas)
        return [Offer("org/model", (), ("chat",), None, place)]


@pytest.fixture
def lab():
    return Known("lab")


@pytest.fixture
def federation(tmp_path, lab):
    federation = Federation(
        problems=(),
        allow=AllowLists({}, Person("ada", frozenset())),
        choice_file=tmp_path / "choice.json",
        log=logging.getLogger("first"),
    )
    federation.add(lab)
    return federation


@pytest.fixture
def overview(federation):
    return Overview(federation, lambda: {"lab": "e-1"}, lambda: "Nobody has logged in.")


def entry(overview):
    (entry,) = overview.entries()
    return entry


def test_a_cluster_that_was_neither_used_nor_asked_is_unknown_and_says_what_is_in_the_way(overview):
    assert entry(overview) == {
        "cluster": "lab",
        "kind": "globus-compute",
        "endpoint": "e-1",
        "state": "unknown",
        "reason": "Nobody has logged in.",
        "models": ["org/model"],
        "paths": [],
        "seen": None,
    }


def test_what_was_said_of_an_endpoint_is_remembered_with_its_age(overview):
    overview.learn({"e-1": Status("online"), "another": Status("offline", "its agent does not run")})
    assert (entry(overview)["state"], entry(overview)["reason"]) == ("online", "")
    assert entry(overview)["seen"] == pytest.approx(time.time(), abs=30)
    overview.learn({"e-1": Status("unknown", "it has not told in time")})
    assert (entry(overview)["state"], entry(overview)["seen"]) == ("unknown", None)


@pytest.mark.parametrize(
    ("own", "state"),
    [
        (Status("online", seen=float("inf")), "online"),
        (Status("online", seen=1.0), "offline"),
        (Status("offline", "Globus Compute is not reached", seen=1.0), "offline"),
        (Status("unknown"), "offline"),
    ],
)
def test_the_newer_word_counts_and_a_fault_in_use_does_most(overview, lab, own, state):
    overview.learn({"e-1": Status("offline", "its agent does not run")})
    lab.status = own
    assert entry(overview)["state"] == state
    assert entry(overview)["reason"] == (
        own.reason or ("its agent does not run" if state == "offline" else "")
    )


def test_paths_are_those_of_the_replicas_that_take_requests_the_best_first(overview, lab):
    paths = ("relay", "tunnel", "direct", "tunnel")
    lab.replicas = tuple(Replica(f"r{n}", "h", 1, path=path) for n, path in enumerate(paths))
    assert entry(overview)["paths"] == ["direct", "tunnel", "relay"]


def test_news_is_a_new_state_reason_or_path_and_not_when_it_was_seen(overview, federation, lab):
    def news():
        return [each["state"] for each in overview.news(federation.catalog())]

    assert (news(), news()) == (["unknown"], [])
    lab.status = Status("online", seen=5.0)
    assert (news(), news()) == (["online"], [])
    lab.status = dataclasses.replace(lab.status, seen=6.0)
    assert news() == []
    lab.replicas = (Replica("r", "h", 1, path="tunnel"),)
    assert news() == ["online"]


async def test_whoever_heeds_hears_also_of_what_is_not_in_the_catalog(federation):
    heard, told = [], []
    federation.heed(heard.append)
    federation.listen(lambda _, new: told.append(new))
    for times in (1, 2):
        federation.changed()
        await until(lambda times=times: len(heard) == times)
    assert len(told) == 1


async def test_a_cluster_behind_globus_compute_is_online_once_its_endpoint_has_told_so(
    tmp_path, replica_server
):
    lab = await Cluster(tmp_path, await replica_server(answering(b"{}"))).open()
    assert lab.cluster.status == Status("unknown")
    await lab.cluster.start("org/model")
    await until(lambda: lab.cluster.status.state == "online")
    assert lab.cluster.status.seen == pytest.approx(time.time(), abs=30)
    await lab.cluster.close()
