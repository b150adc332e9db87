"""What servers say, read by table: models, jobs, names, states, refusals."""

import asyncio
import json
import logging
from datetime import UTC, datetime

import pytest
from first_jupyter_server.clusters import looks
from first_jupyter_server.clusters.gateway_states import Known, state
from first_jupyter_server.clusters.gateway_words import Job, endpoints, jobs, names_here
from first_jupyter_server.clusters.listing import listed
from first_jupyter_server.clusters.looks import pause
from first_jupyter_server.clusters.openai import replica_id
from first_jupyter_server.clusters.standing import Standing
from first_jupyter_server.dialects import first_gateway
from first_jupyter_server.dialects.no import Then

TEXT, VECTORS = ("chat", "completions"), ("embeddings",)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("entry", "abilities", "context"),
    [
        ({"id": "m", "max_model_len": 32768}, TEXT, 32768),
        ({"id": "m", "context_length": 4096, "type": "chat"}, TEXT, 4096),
        ({"id": "m", "meta": {"n_ctx_train": 2048}}, TEXT, 2048),
        ({"id": "m", "max_model_len": "long"}, TEXT, None),
        ({"id": "text-embedding-3-small"}, VECTORS, None),
        ({"id": "BAAI/bge-m3"}, VECTORS, None),
        ({"id": "intfloat/e5-large"}, VECTORS, None),
        ({"id": "lab/embedded-systems-chat", "type": "chat"}, TEXT, None),
        ({"id": "m", "mode": "embedding"}, VECTORS, None),
        ({"id": "m", "capabilities": ["embedding"]}, VECTORS, None),
        ({"id": "m", "capabilities": {"embeddings": False, "completion_chat": True}}, TEXT, None),
    ],
)
def test_a_listed_model_tells_what_it_can_do_as_far_as_its_server_does(entry, abilities, context):
    (model,) = listed({"object": "list", "data": [entry]})
    assert (model.abilities, model.context) == (abilities, context)


@pytest.mark.parametrize("answer", [None, [], {}, {"data": {}}, "models"])
def test_what_is_no_list_of_models_is_none(answer):
    assert listed(answer) is None


def test_entries_without_a_name_are_left_out():
    assert [each.name for each in listed({"data": [{"id": 3}, "x", {"id": ""}, {"id": "m"}]})] == ["m"]


@pytest.mark.parametrize(
    ("names", "given", "here"),
    [
        (["openai/gpt-oss-120b", "gpt-oss-120b"], {}, ["openai/gpt-oss-120b", "openai/gpt-oss-120b"]),
        (["OpenAI/GPT-OSS-120B", "gpt-oss-120b"], {}, ["OpenAI/GPT-OSS-120B", "OpenAI/GPT-OSS-120B"]),
        (["a/m", "b/m", "m"], {}, ["a/m", "b/m", "m"]),
        (["a/m", "m-131072"], {"m-131072": "a/m"}, ["a/m", "a/m"]),
        (["m"], {"m": "lab/m"}, ["lab/m"]),
        (["m"], {}, ["m"]),
    ],
)
def test_one_model_goes_by_one_name_where_that_is_certain(names, given, here):
    assert [names_here(names, given)[name] for name in names] == here


def test_a_gateways_list_is_read_by_cluster_and_framework():
    routes = ["/v1/chat/completions/", "/v1/embeddings/"]
    frameworks = {"vllm": {"models": ["a/m", "a/m-embed"], "endpoints": routes}}
    found = endpoints({"clusters": {"sophia": {"frameworks": frameworks}, "odd": 3}})
    assert [(each.name, each.framework, each.abilities) for each in found["sophia"]] == [
        ("a/m", "vllm", ("chat",)),
        ("a/m-embed", "vllm", VECTORS),
    ]
    assert found["odd"] == ()


@pytest.mark.parametrize("answer", [None, [], {}, {"clusters": []}, {"error": {"code": "x"}}])
def test_what_is_no_list_of_a_gateway_is_none(answer):
    assert endpoints(answer) is None


def test_of_several_jobs_for_a_model_the_one_that_is_furthest_on_counts():
    queued = {"Models": "a/m, b/m", "Model Status": "queued", "Job ID": "2"}
    running = {"Models": "a/m", "Model Status": "running", "Job ID": "1"}
    told = jobs({"queued": [queued], "running": [running], "stopped": [{"Models": "c/m"}]})
    assert {name: (job.status, job.id) for name, job in told.items()} == {
        "a/m": ("running", "1"),
        "b/m": ("queued", "2"),
        "c/m": ("stopped", ""),
    }


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("Mon Nov 23 06:30:00 2026 (Chicago time)", NOON + 1800),
        ("Thu May  8 15:28:30 2025 (Chicago time)", 1746736110.0),
        ("Mon Nov 23 06:30:00 2026 (Martian time)", None),
        ("soon (Chicago time)", None),
        ("N/A", None),
    ],
)
def test_when_a_job_is_expected_to_start_is_read(written, moment):
    told = jobs({"queued": [{"Models": "m", "Model Status": "queued", "Estimated Start Time": written}]})
    assert told["m"].starts == moment


@pytest.mark.parametrize("answer", [None, {}, {"running": "none"}, {"error": {}}])
def test_what_tells_of_no_jobs_is_none(answer):
    assert jobs(answer) is None


RUNNING, QUEUED, STARTING = Job("running"), Job("queued", "7"), Job("starting", "7")


@pytest.mark.parametrize(
    ("known", "at"),
    [
        (Known(), "cold"),
        (Known(told=NOON), "cold"),
        (Known(Job("stopped"), NOON), "cold"),
        (Known(RUNNING, NOON), "hot"),
        (Known(QUEUED, NOON), "queued"),
        (Known(STARTING, NOON), "starting"),
        (Known(Job("disconnected"), NOON), "offline"),
        (Known(asked=NOON - 5), "starting"),
        (Known(RUNNING, NOON, asked=NOON - 5), "starting"),
        (Known(QUEUED, NOON, asked=NOON - 5), "queued"),
        (Known(proven=NOON - 5), "hot"),
        (Known(told=NOON, proven=NOON - 5), "hot"),
        (Known(told=NOON, proven=NOON - 90), "cold"),
        (Known(proven=NOON - 900), "cold"),
        (Known(failed=NOON - 5, why="x"), "offline"),
        (Known(RUNNING, NOON - 50, failed=NOON - 5, why="x"), "offline"),
        (Known(RUNNING, NOON, failed=NOON - 5, why="x"), "hot"),
        (Known(told=NOON, failed=NOON - 5, why="x"), "offline"),
        (Known(failed=NOON - 5, proven=NOON - 1), "hot"),
        (Known(failed=NOON - 900, why="x"), "cold"),
    ],
)
def test_a_models_state_is_what_the_gateway_tells_and_what_asking_it_has_shown(known, at):
    assert state(known, NOON)[0].value == at


def refused(status, code="", message="No.", **info):
    body = json.dumps({"error": {"code": code, "message": message, "info": info}}).encode()
    return first_gateway.no(status, body, "sophia")


@pytest.mark.parametrize(
    ("no", "then", "status", "wrong"),
    [
        (refused(400, "quota_exceeded"), Then.TELL, 400, ""),
        (refused(400, "unsupported_endpoint"), Then.ELSEWHERE, 400, ""),
        (refused(401, "unauthorized"), Then.ELSEWHERE, 401, "No; log in again: %first login"),
        (refused(403, "access_denied"), Then.ELSEWHERE, 403, ""),
        (refused(404, "endpoint_not_found"), Then.ELSEWHERE, 404, "No"),
        (
            refused(408, "request_timeout", task_id="x"),
            Then.WAIT,
            504,
            "it did not answer within the 300 s that the gateway waits",
        ),
        (refused(422, "invalid_request"), Then.TELL, 400, ""),
        (refused(429, "too_many_requests", user_model_usage=7), Then.ELSEWHERE, 429, ""),
        (refused(500, "internal_error"), Then.ELSEWHERE, 502, ""),
        (refused(503, "cluster_under_maintenance"), Then.ELSEWHERE, 503, "under maintenance: No"),
        (
            refused(503, "internal_endpoint_error", "Endpoint 'x' is offline."),
            Then.ELSEWHERE,
            503,
            "Endpoint 'x' is offline",
        ),
        (
            refused(503, "internal_endpoint_error", "Error: Endpoint x online but not ready."),
            Then.WAIT,
            503,
            "the gateway is starting it",
        ),
        (first_gateway.no(504, b"<html>", "sophia"), Then.ELSEWHERE, 502, ""),
        (first_gateway.no(418, b'"teapot"', "sophia"), Then.TELL, 418, ""),
    ],
)
def test_each_refusal_of_a_gateway_leads_somewhere(no, then, status, wrong):
    assert (no.then, no.error.status, no.place) == (then, status, wrong)


@pytest.mark.parametrize(
    ("failed", "idle", "seconds"),
    [(0, 0, 60), (1, 0, 5), (2, 0, 10), (4, 0, 40), (9, 0, 60), (0, 700, 600), (3, 700, 600)],
)
def test_looks_are_rare_while_nobody_is_there_and_frequent_after_trouble(failed, idle, seconds):
    assert pause(failed, idle) == seconds


def test_a_passing_trouble_is_borne_once_and_a_lasting_one_never():
    known = Standing().told("list", NOON)
    once = known.missed("busy", NOON + 60, passing=True)
    assert (once.is_down, once.answer, once.stale) == (False, "list", NOON)
    assert once.missed("busy", NOON + 65, passing=True).is_down
    assert known.missed("gone", NOON + 60, passing=False).is_down
    assert Standing().missed("busy", NOON, passing=True).is_down
    assert once.told("new", NOON + 70) == Standing("new", NOON + 70)


async def test_a_look_that_is_wanted_waits_until_the_last_answer_holds_no_more(monkeypatch, caplog):
    monkeypatch.setattr(looks, "NOT_BEFORE", 0.05)
    seen, looked = [], asyncio.Event()

    async def look():
        seen.append(asyncio.get_running_loop().time())
        looked.set()
        return 0

    looking = looks.Looks(look, lambda: 0.0, logging.getLogger("first"))
    looking.begin()
    await looked.wait()
    looked.clear()
    looking.now()
    await looked.wait()
    await looking.end()
    assert seen[1] - seen[0] >= 0.05


@pytest.mark.parametrize(
    ("model", "name"),
    [("openai/gpt-oss-120b", "lab/openai-gpt-oss-120b"), ("Qwen3.5 (chat)", "lab/qwen3.5-chat")],
)
def test_the_one_replica_of_a_model_keeps_its_name(model, name):
    assert replica_id("lab", model) == name
