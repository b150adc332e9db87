"""When a replica is reached by Globus Compute alone: where it is allowed, and nothing better leads there."""

import socket

import pytest
from first_jupyter_remote.protocol import ReplicaRecord, Stage
from first_jupyter_server.clusters import ways
from first_jupyter_server.clusters.globus_faults import ComputeFault
from first_jupyter_server.clusters.ways import Way, Ways
from first_jupyter_server.federation.catalog import State
from first_jupyter_server.paths.doors import Doors
from first_jupyter_server.paths.relay import Relay
from first_jupyter_server.paths.relay_answer import Relayed
from first_jupyter_server.paths.rooms import Rooms

from .nearby_cluster import Cluster, answering

RECORD = ReplicaRecord("r-1", "org/model", Stage.READY, node="n1", port=1, key="k", addresses=("127.0.0.1",))


@pytest.fixture
async def open_lab(tmp_path, replica_server):
    """Open a cluster with certain paths, whose replica answers."""
    replica = await replica_server(answering(b'{"data": [{"id": "org/model"}]}'))
    opened = []

    async def open_it(*paths):
        opened.append(await Cluster(tmp_path, replica).open(paths=list(paths)))
        return opened[-1]

    yield open_it
    for lab in opened:
        await lab.cluster.close()
        await lab.relay.close()


@pytest.fixture
def at_once(monkeypatch):
    """Look for a way once."""
    monkeypatch.setattr(ways, "PAUSES", (0.0,))


@pytest.fixture
def far(monkeypatch):
    """Have no address reached from here."""

    async def nowhere(record):
        return None

    monkeypatch.setattr(ways, "reach", nowhere)


async def test_a_replica_is_reached_by_the_login_node_where_that_alone_is_allowed(open_lab):
    lab = await open_lab("relay")
    await lab.have_hot()
    (replica,) = lab.place.replicas
    assert (replica.path, replica.host, replica.key) == ("relay", "n1", None)
    ((_, kwargs),) = lab.endpoint.made("serve")
    assert (kwargs["bind"], "door" in kwargs) == ("0.0.0.0", False)


async def test_its_own_address_goes_first(open_lab):
    lab = await open_lab("direct", "relay")
    await lab.have_hot()
    assert lab.place.replicas[0].path == "direct"
    assert lab.endpoint.made("relay_reach") == []


async def test_where_no_address_is_reached_from_here_the_login_node_is_asked(open_lab, far):
    lab = await open_lab("direct", "relay")
    await lab.have_hot()
    assert lab.place.replicas[0].path == "relay"


async def test_what_is_not_allowed_is_not_tried(open_lab, far, at_once):
    lab = await open_lab("direct")
    await lab.cluster.start("org/model")
    lab.write(await lab.job())
    assert "reaches it at none of" in (await lab.until(State.OFFLINE)).reason
    assert lab.endpoint.made("relay_reach") == []


async def test_a_replica_that_the_login_node_does_not_reach_either_says_so(open_lab, at_once):
    lab = await open_lab("relay")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    await lab.cluster.start("org/model")
    lab.write(await lab.job(), port=port)
    reason = (await lab.until(State.OFFLINE)).reason
    assert (
        f"Globus Compute carries no answers from it: the login node reaches it at none of 127.0.0.1:{port}"
        in reason
    )
    assert "its node is given back" in reason


class Asked:
    """An endpoint that says what it is to say."""

    def __init__(self, said):
        self.said, self.calls = said, []

    async def call(self, config, function, *args, patience):
        self.calls.append((config, function, args))
        if isinstance(self.said, ComputeFault):
            raise self.said
        return self.said


@pytest.fixture
async def relay():
    made = Relay()
    yield made
    await made.close()


async def test_a_tunnel_is_waited_for_before_globus_compute_carries_answers(relay):
    asked = Asked({"address": "n1", "why": ""})
    found = Ways(["tunnel", "relay"], Doors(lambda: "http://here"), Rooms(), relay, Relayed(asked, "home"))
    assert await found.find(RECORD, last=False) is None
    assert await found.find(RECORD, last=True) == Way("relay", "n1")
    assert asked.calls == [({"role": "relay"}, "relay_reach", ("home", "r-1"))]


async def test_an_endpoint_without_the_role_is_told_of(relay):
    asked = Asked(ComputeFault("the endpoint refused what it was asked for: 'relay' is not one of these"))
    found = Ways(["relay"], Doors(), Rooms(), relay, Relayed(asked, "home"))
    assert await found.find(RECORD, last=True) is None
    assert "the endpoint refused what it was asked for" in found.none(RECORD)
