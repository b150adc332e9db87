"""Which way is taken to a replica, and what is remembered of it."""

import logging

import pytest
from first_jupyter_remote.protocol import ReplicaRecord, Stage
from first_jupyter_server.background import Background
from first_jupyter_server.clusters import ways as module
from first_jupyter_server.clusters.globus_replicas import GlobusReplicas
from first_jupyter_server.clusters.running import Running
from first_jupyter_server.clusters.ways import Ways
from first_jupyter_server.paths.doors import Doors
from first_jupyter_server.paths.relay import Relay
from first_jupyter_server.paths.relay_answer import Relayed
from first_jupyter_server.paths.rooms import Rooms

RECORD = ReplicaRecord("r1", "m", Stage.READY, node="n1", port=1, key="sk-1", addresses=("n1",))


@pytest.fixture
def reached(monkeypatch):
    """Have addresses answer or not; returns the list of what they do, the last one again and again."""
    answers = []

    async def reach(_):
        return answers.pop(0) if len(answers) > 1 else answers[0]

    monkeypatch.setattr(module, "reach", reach)
    return answers


@pytest.fixture
def ways():
    """Return the ways of a cluster whose nodes may dial; its one replica has."""
    doors = Doors(lambda: "https://hub.lab.example/first/tunnel")
    found = Ways(["direct", "tunnel"], doors, Rooms(), Relay(), Relayed(None, ""))
    found.expect(RECORD, lambda: None)
    doors.told("r1", is_open=True)
    return found


async def test_an_address_that_answers_goes_before_a_tunnel(ways, reached):
    reached[:] = ["n1"]
    assert await ways.find(RECORD, last=False) == ("direct", "n1")


async def test_a_cluster_whose_nodes_are_not_reached_is_not_tried_there_again_for_a_while(ways, reached):
    reached[:] = [None, "n1"]
    assert await ways.find(RECORD, last=False) == ("tunnel", "n1")
    assert await ways.find(RECORD, last=False) == ("tunnel", "n1")
    assert reached == ["n1"]


async def test_it_is_tried_again_later(ways, reached, monkeypatch):
    reached[:] = [None, "n1"]
    await ways.find(RECORD, last=False)
    monkeypatch.setattr(module, "REMEMBERED", 0.0)
    assert await ways.find(RECORD, last=False) == ("direct", "n1")


async def test_it_is_tried_again_where_no_tunnel_comes(ways, reached, monkeypatch):
    monkeypatch.setattr(module, "SOON", 0.0)
    reached[:] = [None, "n1"]
    await ways.find(RECORD, last=False)
    ways.forget("r1")
    assert await ways.find(RECORD, last=False) == ("direct", "n1")


@pytest.mark.parametrize(("answers", "path"), [("n1", "direct"), (None, "tunnel")])
async def test_a_replica_that_answers_by_tunnel_goes_back_to_its_address_once_that_answers(
    ways, reached, answers, path
):
    reached[:] = [answers]
    log = logging.getLogger(__name__)
    background, run = Background(log), Running(RECORD, host="n1", path="tunnel")
    calls = dict.fromkeys(("take", "reached", "look", "changed"), lambda *_: None)
    replicas = GlobusReplicas(None, "", "", asked=None, background=background, ways=ways, log=log, **calls)
    run.climbed = -module.REMEMBERED
    replicas.climb(run)
    await background.finish()
    assert (run.path, run.host) == (path, "n1")
