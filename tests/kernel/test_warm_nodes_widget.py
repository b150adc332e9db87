import time

import pytest
from wire import LOADING, SMOL, lease

from first_jupyter import WarmNodes
from first_jupyter._leases import leases

NOON = time.mktime((2026, 11, 23, 12, 0, 0, 0, 0, -1))
HOUR = 3600.0
LOG = {"cluster": "local", "replica": "r1", "node": "n1", "reason": "", "at": NOON, "file": "/scratch/r1.log"}


@pytest.fixture
def nodes(wire):
    wire.changes(leases=[lease()])
    made = WarmNodes()
    yield made
    made.close()


def sent(wire):
    return [(route, body) for _, route, body in wire.calls if body]


def row(nodes, n=0):
    return nodes.children[1 + n]


def only(**more):
    place = {"cluster": "lab", "state": "hot", "leases": [lease(**more)]}
    (found,) = leases({"models": [{"id": "org/m", "aliases": [], "clusters": [place]}]}, NOON)
    return found.text


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({}, "ready · n1, job 4711"),
        ({"held_until": NOON + HOUR, "expires": NOON + HOUR}, "ready · held until 13:00 · n1, job 4711"),
        (
            {"expires": NOON + HOUR, "job_ends": NOON + 2 * HOUR},
            "ready · until 13:00 if unused, its job ends at 14:00 · n1, job 4711",
        ),
        ({"job_ends": NOON + HOUR}, "ready · ends with its job at 13:00 · n1, job 4711"),
        ({"path": "tunnel"}, "ready · n1, job 4711 · through a tunnel"),
        ({"path": "direct"}, "ready · n1, job 4711"),
        (
            {"stage": "queued", "node": None, "since": NOON - HOUR},
            "waiting for a node, asked for at 11:00 · job 4711",
        ),
        ({"stage": "asleep", "job": None}, "asleep · n1"),
    ],
)
def test_a_replica_reads_as_one_line(told, said):
    assert only(**told) == said


def test_each_replica_has_a_row(nodes, wire, eventually):
    assert "<strong>smollm2 on local</strong> ready" in row(nodes)._line.value
    assert ">1 warm<" in nodes._said.value
    wire.changes(leases=[lease(), lease("loading", replica="r2", follows="r1")])
    eventually(lambda: ">1 warm, 1 on the way<" in nodes._said.value)
    assert len(nodes.children) == 3


def test_a_row_stays_the_same_while_its_replica_does(nodes, wire, eventually):
    before = row(nodes)
    wire.changes(leases=[lease("queued", replica="r0"), lease(path="relay")])
    eventually(lambda: len(nodes.children) == 3)
    assert row(nodes, 1) is before
    assert "through Globus Compute" in before._line.value


def test_where_nothing_runs_it_says_what_to_do(nodes, wire, eventually):
    wire.changes(state="cold")
    eventually(lambda: len(nodes.children) == 1)
    assert "No node is warm. `%first start MODEL --for 2h`" in nodes.text()
    assert "No node is warm" in nodes._said.value


def test_an_hour_more_counts_from_where_it_is_held_to(nodes, wire, eventually):
    wire.started = {"leases": [lease(held_until=time.time() + HOUR)]}
    row(nodes)._extend.click()
    eventually(lambda: nodes._leases[0].hold)
    assert sent(wire) == [("api/models/start", {"model": SMOL, "cluster": "local", "hold": HOUR})]
    row(nodes)._extend.click()
    eventually(lambda: len(sent(wire)) == 2)
    assert 2 * HOUR - 10 < sent(wire)[1][1]["hold"] <= 2 * HOUR


def test_stop_ends_that_replica_alone(nodes, wire, eventually):
    row(nodes)._end.click()
    asked = {"model": SMOL, "cluster": "local", "replica": "r1"}
    eventually(lambda: ("api/models/stop", asked) in sent(wire))


def test_what_is_not_ours_to_stop_says_why(wire):
    wire.changes(leases=[lease()], unstoppable="it belongs to somebody else")
    nodes = WarmNodes()
    assert row(nodes)._end.disabled
    assert row(nodes)._end.tooltip == "it belongs to somebody else"
    nodes.close()


def test_the_log_opens_below_its_replica_and_closes_again(nodes, wire, eventually):
    wire.log = lambda *_: (200, LOG | {"lines": ["loading <weights>", "ready"]})
    row(nodes)._log.click()
    eventually(lambda: row(nodes)._log.description == "Hide log")
    assert "loading &lt;weights&gt;\nready</pre>" in row(nodes)._pane.value
    assert "all of it is /scratch/r1.log" in row(nodes)._pane.value
    assert f"api/models/log?model={SMOL.replace('/', '%2F')}&cluster=local&replica=r1" in [
        route for _, route, _ in wire.calls
    ]
    row(nodes)._log.click()
    assert row(nodes)._pane.layout.display == "none"


def test_a_refusal_stays_until_the_next_try(nodes, wire, eventually):
    wire.log = lambda *_: (404, {"error": {"message": "There is no replica r1 any more."}})
    row(nodes)._log.click()
    eventually(lambda: "There is no replica r1 any more." in nodes._said.value)
    eventually(lambda: not row(nodes)._log.disabled)
    wire.changes(leases=[lease(), lease(replica="r2")])
    eventually(lambda: "2 warm" in nodes._said.value)
    assert "There is no replica r1 any more." in nodes._said.value
    row(nodes)._extend.click()
    eventually(lambda: "There is no replica" not in nodes._said.value)


def test_every_button_says_what_it_does_and_to_which(nodes):
    for control in (row(nodes)._extend, row(nodes)._end, row(nodes)._log):
        assert control.description
        assert "smollm2 on local" in control.tooltip


def test_what_it_shows_can_be_read_without_widgets(nodes):
    assert nodes.text().splitlines()[1].split() == ["smollm2", "local", "n1", "ready"]
    assert "Warm nodes</caption>" in nodes.page()


def test_closing_it_ends_its_thread(nodes, wire, eventually):
    wire.changes(**LOADING)
    eventually(lambda: wire.listeners == 1)
    nodes.close()
    eventually(lambda: wire.listeners == 0)
    eventually(lambda: not nodes._live.is_alive)
