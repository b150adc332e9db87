"""What Prometheus reads: counters that move with what the extension is told, gauges as things stand."""

import asyncio
import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from first_jupyter_server.federation.catalog import Catalog, Lease, Model, Place, Replica, State
from first_jupyter_server.metrics.metrics import Metrics
from first_jupyter_server.metrics.standing import Now
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from .conftest import until

DOCS = Path(__file__).parents[2] / "docs"
AS_IN_VLLM = [
    *("num_requests_running", "num_requests_waiting", "prompt_tokens", "generation_tokens"),
    *("request_success", "time_to_first_token_seconds", "e2e_request_latency_seconds"),
    "request_time_per_output_token_seconds",
]
HERE = {"model_name": "org/model", "cluster": "desk"}


def outcome(**more):
    entry = {"model": "org/model", "cluster": "desk", "status": 200, "outcome": "ok", "streamed": True}
    entry |= {"prompt_tokens": 3, "completion_tokens": 4, "first_byte_s": 0.07, "total_s": 0.9}
    return entry | {"label": "a-notebook", "request_id": "req-1"} | more


def catalog(*leases, replicas=(), state=State.HOT):
    place = Place("desk", "local", "vllm", state, replicas=replicas, leases=leases)
    return Catalog(models=(Model("org/model", places=(place,)),))


class Server:
    """What a Jupyter server would tell of itself."""

    def __init__(self):
        self.now = Now("1.2.3", catalog(), {("org/model", "desk"): (2, 5)}, True, 3, 1)
        self.metrics = Metrics(lambda: self.now)
        self.counted = self.metrics.counted

    @property
    def text(self):
        return generate_latest(self.metrics.registry).decode()

    def value(self, name, **labels):
        families = text_string_to_metric_families(self.text)
        found = [sample for family in families for sample in family.samples if sample.name == f"first:{name}"]
        return next((sample.value for sample in found if sample.labels == labels), None)


@pytest.fixture
def server():
    return Server()


def test_a_request_that_is_answered_moves_the_counts_that_vllm_has(server):
    server.counted.requests([outcome()])
    assert server.value("request_success_total", **HERE) == 1
    assert server.value("prompt_tokens_total", **HERE) == 3
    assert server.value("generation_tokens_total", **HERE) == 4
    assert server.value("time_to_first_token_seconds_bucket", **HERE, le="0.06") == 0
    assert server.value("time_to_first_token_seconds_bucket", **HERE, le="0.08") == 1
    assert server.value("e2e_request_latency_seconds_sum", **HERE) == pytest.approx(0.9)


def test_the_time_of_a_token_is_that_after_the_first_one(server):
    server.counted.requests([outcome(first_byte_s=0.3, total_s=0.9, completion_tokens=4)])
    assert server.value("request_time_per_output_token_seconds_sum", **HERE) == pytest.approx(0.2)


@pytest.mark.parametrize("more", [{"completion_tokens": None}, {"completion_tokens": 1}, {"streamed": False}])
def test_where_the_time_of_a_token_is_not_known_none_is_counted(server, more):
    server.counted.requests([outcome(**more)])
    assert server.value("request_time_per_output_token_seconds_count", **HERE) is None


def test_an_answer_that_comes_as_a_whole_says_nothing_of_the_first_token(server):
    server.counted.requests([outcome(streamed=False)])
    assert server.value("time_to_first_token_seconds_count", **HERE) is None
    assert server.value("e2e_request_latency_seconds_count", **HERE) == 1


@pytest.mark.parametrize(
    ("status", "ended", "code"), [(503, "model_not_ready", "model_not_ready"), (400, "ok", "http_400")]
)
def test_a_failure_is_counted_by_its_code(server, status, ended, code):
    nowhere = {"model_name": "org/model", "cluster": ""}
    server.counted.requests([outcome(status=status, outcome=ended, cluster=None, first_byte_s=None)])
    assert server.value("request_failure_total", **nowhere, code=code) == 1
    assert server.value("request_success_total", **nowhere) is None


def test_a_client_that_leaves_is_neither_a_failure_nor_a_success(server):
    server.counted.requests([outcome(outcome="cancelled")])
    assert server.value("request_cancelled_total", **HERE) == 1
    assert server.value("request_success_total", **HERE) is None
    assert "request_failure_total{" not in server.text


def test_rows_of_batches_are_counted_with_their_tokens(server):
    sums = {"model": "org/model", "cluster": "desk", "requests": 100, "failed": 2}
    server.counted.rows([{**sums, "at": 0.0, "prompt_tokens": 900, "completion_tokens": 800}])
    assert server.value("batch_rows_total", **HERE, result="done") == 98
    assert server.value("batch_rows_total", **HERE, result="failed") == 2
    assert server.value("generation_tokens_total", **HERE) == 800


def test_a_start_is_counted_once_and_timed_from_the_wish_for_it(server):
    coming = Lease("r1", "loading", since=time.time() - 100)
    ready = Lease("r1", "ready", since=coming.since)
    for old, new in [((), (coming,)), ((coming,), (ready,)), ((ready,), (ready,)), ((ready,), ())]:
        server.counted.catalog(catalog(*old), catalog(*new))
    assert server.value("replica_starts_total", **HERE, result="ready") == 1
    assert server.value("replica_starts_total", **HERE, result="ended") is None
    assert server.value("replica_start_seconds_sum", **HERE) == pytest.approx(100, abs=30)


@pytest.mark.parametrize("after", [(), (Lease("r1", "failed"),), (Lease("r1", "draining"),)])
def test_a_replica_that_ends_before_it_is_ready_is_counted_as_that(server, after):
    server.counted.catalog(catalog(Lease("r1", "queued")), catalog(*after))
    assert server.value("replica_starts_total", **HERE, result="ended") == 1


def test_load_and_processes_are_as_they_stand(server):
    assert server.value("num_requests_running", **HERE) == 2
    assert server.value("num_requests_waiting", **HERE) == 5
    assert server.value("dataplane_up") == 1
    assert server.value("dataplane_restarts_total") == 3
    assert server.value("batches_running") == 1
    assert server.value("build_info", version="1.2.3") == 1


def test_replicas_are_counted_by_stage_and_held_ones_as_leases(server):
    held = Lease("r1", "ready", held_until=time.time() + 600)
    over = Lease("r2", "ready", held_until=time.time() - 600)
    server.now = Now("1.2.3", catalog(held, over, Lease("r3", "queued")), {}, False, 0, 0)
    assert server.value("replicas", **HERE, stage="ready") == 2
    assert server.value("replicas", **HERE, stage="queued") == 1
    assert server.value("leases", **HERE) == 1
    assert server.value("num_requests_running", **HERE) == 0


@pytest.mark.parametrize(("replicas", "number"), [((), 0), ((Replica("r", "h", 1),), 1)])
def test_a_server_of_others_has_replicas_too_and_none_is_told_as_none(server, replicas, number):
    server.now = Now("1.2.3", catalog(replicas=replicas), {}, True, 0, 0)
    assert server.value("replicas", **HERE, stage="ready") == number


def test_a_model_is_in_one_state(server):
    server.now = Now("1.2.3", catalog(state=State.QUEUED), {}, True, 0, 0)
    told = {state.value: server.value("model_state", **HERE, state=state.value) for state in State}
    assert told == {"hot": 0, "starting": 0, "queued": 1, "draining": 0, "cold": 0, "offline": 0}


def test_neither_a_notebook_nor_a_request_is_named(server):
    server.counted.requests([outcome()])
    assert "a-notebook" not in server.text
    assert "req-1" not in server.text


ENDS = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "info": ("_info",)}


def names(server):
    """Return all samples that there can be, as they are read."""
    families = text_string_to_metric_families(server.text)
    told = {f"{family.name}{end}" for family in families for end in ENDS.get(family.type, ("",))}
    return {name for name in told if not name.endswith("_created")}


def test_each_query_of_the_dashboard_is_of_metrics_that_there_are(server):
    panels = json.loads((DOCS / "grafana.json").read_text())["panels"]
    asked = [re.findall(r"first:\w+", target["expr"]) for panel in panels for target in panel["targets"]]
    assert all(asked)
    assert {name for each in asked for name in each} <= names(server)


def test_each_metric_of_the_docs_is_there_and_each_one_there_is_in_the_docs(server):
    text = (DOCS / "administrators.md").read_text()
    told = set(re.findall(r"`(first:\w+)`", text[text.index("## Metrics") :]))
    ends = re.compile(r"_(bucket|sum|count)$")
    assert told == {ends.sub("", name) for name in names(server)}


@pytest.mark.vllm
def test_what_is_said_to_be_called_as_in_vllm_is_called_so_there():
    python = os.environ.get("FIRST_TEST_VLLM_PYTHON") or pytest.fail("there is no vLLM: run .ci/vllm-env")
    code = "import importlib.util as u; print(u.find_spec('vllm').submodule_search_locations[0])"
    found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    there = (Path(found) / "v1" / "metrics" / "loggers.py").read_text()
    missing = [name for name in AS_IN_VLLM if f'"vllm:{name}"' not in there]
    assert missing == []


async def test_a_loop_that_is_blocked_is_late(server):
    server.metrics.lateness.start()
    await asyncio.sleep(0)
    time.sleep(1.3)  # noqa: ASYNC251  # that is what is tested
    await until(lambda: server.value("event_loop_delay_seconds_count"))
    server.metrics.lateness.stop()
    assert server.value("event_loop_delay_seconds_bucket", le="0.25") == 0
