"""What the ledger makes of requests and of nodes: by day, model and notebook."""

import logging
import sqlite3
import time

import pytest
from first_jupyter_remote.protocol import Stage
from first_jupyter_server.usage.held import Held
from first_jupyter_server.usage.ledger import Ledger, add_columns

from .conftest import until
from .nearby_cluster import Cluster, answering

HOUR = 3600.0
NOTHING = {
    "requests": 0,
    "failed": 0,
    "prompt_tokens": 0,
    "completion_tokens": 0,
    "first_token_s": None,
    "node_hours": None,
    "by_model": {},
    "by_notebook": {},
}


def outcome(**more):
    entry = {"request_id": "r", "at": time.time(), "model": "m", "route": "chat/completions", "cluster": "c"}
    entry |= {"replica": "x", "status": 200, "outcome": "ok", "prompt_tokens": 3, "completion_tokens": 4}
    return entry | {"first_byte_s": 0.1, "total_s": 0.2, "notebook": None, "streamed": True} | more


def noon(days_ago=0):
    year, month, day = time.localtime()[:3]
    return time.mktime((year, month, day - days_ago, 12, 0, 0, 0, 0, -1))


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path / "usage.sqlite3", logging.getLogger("first"))
    yield ledger
    ledger.close()


def test_what_nobody_used_is_nothing(ledger):
    usage = ledger.usage()
    assert usage["today"] == usage["last_30_days"] == NOTHING
    assert usage["recent"] == []


def test_an_entry_that_cannot_be_made_keeps_no_later_one_out(ledger):
    ledger.add([outcome(prompt_tokens=2**63)])
    ledger.usage()
    ledger.add([outcome()])
    assert ledger.usage()["today"]["requests"] == 1


def test_requests_add_up(ledger):
    no_tokens = {"prompt_tokens": 0, "completion_tokens": 0}
    ledger.add([outcome(), outcome(status=503, outcome="model_not_ready", first_byte_s=None, **no_tokens)])
    ledger.add([outcome(at=noon(7), model="n", outcome="cancelled"), outcome(at=noon(40))])
    usage = ledger.usage()
    summed = {"requests": 2, "prompt_tokens": 3, "completion_tokens": 4, "first_token_s": 0.1}
    by_model = {"m": {**summed, "node_hours": None}}
    assert usage["today"] == {**NOTHING, **summed, "failed": 1, "by_model": by_model}
    assert usage["last_30_days"]["requests"] == 3
    assert len(usage["recent"]) == 4


def test_there_are_thirty_days_the_oldest_first_and_their_sum_is_the_span(ledger):
    ledger.add([outcome(at=noon(29)), outcome(at=noon(30)), outcome(at=noon(3)), outcome(at=noon())])
    usage = ledger.usage()
    days = usage["days"]
    assert [day["day"] for day in days] == [
        time.strftime("%Y-%m-%d", time.localtime(noon(ago))) for ago in range(29, -1, -1)
    ]
    assert [at for at, day in enumerate(days) if day["requests"]] == [0, 26, 29]
    assert sum(day["requests"] for day in days) == usage["last_30_days"]["requests"]
    assert days[1] == {
        "day": days[1]["day"],
        "requests": 0,
        "failed": 0,
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "node_hours": None,
    }


def test_each_notebook_has_its_sum_and_what_came_from_none_has_none(ledger):
    ledger.add([outcome(notebook="a.ipynb"), outcome(notebook="a.ipynb"), outcome(notebook="b.ipynb")])
    ledger.add([outcome()])
    today = ledger.usage()["today"]
    assert {path: each["requests"] for path, each in today["by_notebook"].items()} == {
        "a.ipynb": 2,
        "b.ipynb": 1,
    }
    assert list(today["by_notebook"]["b.ipynb"]) == [
        "requests",
        "prompt_tokens",
        "completion_tokens",
        "first_token_s",
    ]


@pytest.mark.parametrize(
    ("seconds", "median"), [([0.3], 0.3), ([0.1, 9.0, 0.2], 0.2), ([0.1, 0.3, 0.5, 9.0], 0.4)]
)
def test_the_first_tokens_time_is_the_median_of_streams(ledger, seconds, median):
    ledger.add([outcome(first_byte_s=each) for each in seconds])
    ledger.add([outcome(first_byte_s=60.0, streamed=False), outcome(first_byte_s=None)])
    today = ledger.usage()["today"]
    assert today["first_token_s"] == pytest.approx(median)
    assert today["by_model"]["m"]["first_token_s"] == pytest.approx(median)


def test_node_hours_count_on_the_days_on_which_nodes_were_held(ledger):
    midnight = noon() - 12 * HOUR
    ledger.hold(Held("lab", "r1", "big", 4.0, midnight - 2 * HOUR, midnight + HOUR))
    ledger.hold(Held("lab", "r2", "shared", 0.5, midnight, midnight + HOUR))
    usage = ledger.usage()
    assert usage["today"]["by_model"] == {
        "big": {
            "requests": 0,
            "prompt_tokens": 0,
            "completion_tokens": 0,
            "first_token_s": None,
            "node_hours": 4.0,
        },
        "shared": {
            "requests": 0,
            "prompt_tokens": 0,
            "completion_tokens": 0,
            "first_token_s": None,
            "node_hours": 0.5,
        },
    }
    assert (usage["today"]["node_hours"], usage["last_30_days"]["node_hours"]) == (4.5, 12.5)
    assert [day["node_hours"] for day in usage["days"][-3:]] == [0.0, 8.0, 4.5]


def test_a_replica_that_a_later_server_finds_again_has_had_its_nodes_all_the_time(tmp_path):
    path, now = tmp_path / "usage.sqlite3", noon()
    for seen in (now + 60, now + HOUR, now + HOUR):
        ledger = Ledger(path, logging.getLogger("first"))
        ledger.hold(Held("lab", "r1", "m", 2.0, now, seen))
        hours = ledger.usage()["today"]["node_hours"]
        ledger.close()
    assert hours == 2.0


def test_a_file_of_an_earlier_release_is_gone_on_with(tmp_path):
    path = tmp_path / "usage.sqlite3"
    ledger = Ledger(path, logging.getLogger("first"))
    ledger.add([outcome()])
    ledger.close()
    with sqlite3.connect(path) as earlier:
        for column in ("notebook", "streamed"):
            earlier.execute(f"ALTER TABLE requests DROP COLUMN {column}")
    earlier.close()
    add_columns(tmp_path)
    ledger = Ledger(path, logging.getLogger("first"))
    ledger.add([outcome(at=time.time() + 1, notebook="work/n.ipynb", first_byte_s=0.7)])
    usage = ledger.usage()
    ledger.close()
    assert [entry["notebook"] for entry in usage["recent"]] == ["work/n.ipynb", None]
    assert usage["today"]["first_token_s"] == 0.7


@pytest.fixture
async def lab(tmp_path, replica_server):
    lab = Cluster(tmp_path, await replica_server(answering(b'{"data": [{"id": "org/model"}]}')))
    yield lab
    for server in lab.servers:
        await server.close()


async def test_a_clusters_replica_holds_its_nodes_from_its_jobs_begin_to_its_end(lab):
    held = []
    model = {"id": "org/model", "backend": "vllm", "weights": "/w", "nodes": 2}
    await lab.open(held=held.append, models=[model])
    await lab.cluster.start("org/model")
    name, now = await lab.job(), time.time()
    assert held == []
    lab.write(name, Stage.LOADING, entered={"queued": now - 100, "loading": now - 90})
    await until(lambda: held)
    assert (held[-1].cluster, held[-1].replica, held[-1].nodes) == ("lab", name, 2)
    assert held[-1].began == pytest.approx(now - 100)
    assert held[-1].until == pytest.approx(now, abs=30)
    ended = {"queued": now - 100, "stopped": now - 5}
    lab.write(name, Stage.STOPPED, entered=ended)
    await until(lambda: not lab.cluster._running())
    assert (held[-1].began, held[-1].until) == (pytest.approx(now - 100), pytest.approx(now - 5))


async def test_a_replica_that_ended_while_no_server_looked_is_counted_to_its_end(lab):
    await lab.open()
    await lab.cluster.start("org/model")
    name, held = await lab.job(), []
    await until(lambda: lab.cluster._asked.orders[name].task)
    await lab.cluster.close()
    now = time.time()
    lab.write(name, Stage.STOPPED, entered={"queued": now - 5000, "stopped": now - 1000}, updated=now - 1000)
    await lab.open(held=held.append)
    await until(lambda: held)
    assert held[-1].until - held[-1].began == pytest.approx(4000)


def test_rows_of_batches_are_kept_as_sums_of_their_day(ledger):
    row = {"at": noon(), "model": "m", "cluster": "c", "requests": 1000, "failed": 1}
    ledger.add([outcome(at=noon())])
    for _ in range(3):
        ledger.add_rows([{**row, "prompt_tokens": 5000, "completion_tokens": 2000}])
    ledger.add_rows([{**row, "at": noon(8), "prompt_tokens": 5, "completion_tokens": 2}])
    usage = ledger.usage()
    assert usage["today"]["requests"] == usage["today"]["by_model"]["m"]["requests"] == 3001
    assert usage["today"]["failed"] == 3
    assert usage["today"]["prompt_tokens"] == 15_003
    assert usage["today"]["first_token_s"] == 0.1
    assert usage["last_30_days"]["requests"] == 4001
    assert usage["days"][-1]["completion_tokens"] == 6004
    assert usage["last_30_days"]["by_notebook"] == {}
    assert len(usage["recent"]) == 1
