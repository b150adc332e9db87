"""A request for a model that is not hot waits for it, as long as its client wants to."""

import asyncio

import httpx
import pytest
from first_jupyter_server.dataplane import exchange
from first_jupyter_server.federation.catalog import State

from .conftest import CHAT, MODEL, begin_events, end_events, event, json_answer


async def test_a_cold_model_is_started_and_the_request_answered(plane, client, replica_server):
    plane.catalog()
    asking = asyncio.create_task(client.post("/v1/chat/completions", json=CHAT))
    assert await plane.until("start") == {"type": "start", "model": MODEL, "cluster": "desk"}
    plane.catalog(state=State.STARTING)
    plane.catalog(await replica_server(json_answer()))
    assert (await asking).status_code == 200
    assert len(plane.messages("start")) == 1


async def test_who_does_not_want_to_wait_is_told_when_to_come_back(plane, client):
    plane.catalog(state=State.STARTING, reason="loading the weights", progress=0.4, eta=12.4)
    answer = await client.post("/v1/chat/completions", json=CHAT, headers={"x-first-wait": "0"})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "12"
    assert "starting on desk (loading the weights 40%), about 12 s left" in answer.json()["error"]["message"]
    assert plane.messages("start")


async def test_who_waits_for_a_while_is_told_then(plane, client):
    plane.catalog(state=State.QUEUED)
    answer = await client.post("/v1/chat/completions", json=CHAT, headers={"x-first-wait": "0.2"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")


async def test_a_start_that_fails_ends_the_wait_with_its_reason(plane, client):
    plane.catalog()
    asking = asyncio.create_task(client.post("/v1/chat/completions", json=CHAT))
    await plane.until("start")
    plane.catalog(state=State.OFFLINE, reason="/models/x.gguf does not exist", ended=4e9)
    answer = await asking
    assert answer.status_code == 503
    assert "/models/x.gguf does not exist" in answer.json()["error"]["message"]


async def test_an_earlier_failure_does_not_end_a_new_wait(plane, client, replica_server):
    plane.catalog(state=State.OFFLINE, reason="it failed yesterday", ended=1.0)
    asking = asyncio.create_task(client.post("/v1/chat/completions", json=CHAT))
    await plane.until("start")
    plane.catalog(await replica_server(json_answer()))
    assert (await asking).status_code == 200


async def test_a_model_that_vanishes_ends_the_wait(plane, client):
    plane.catalog()
    asking = asyncio.create_task(client.post("/v1/chat/completions", json=CHAT))
    await plane.until("start")
    plane.plane.receive({"type": "catalog", "catalog": {"models": [], "current": None, "problems": []}})
    assert (await asking).status_code == 404


async def test_who_leaves_while_the_model_starts_is_out_of_the_line(plane, client):
    plane.catalog()
    asking = asyncio.create_task(client.post("/v1/chat/completions", json=CHAT))
    await plane.until("start")
    assert plane.plane.counts() == {(MODEL, "desk"): (0, 1)}
    asking.cancel()
    (outcome,) = (await plane.until("done"))["outcomes"]
    assert outcome["outcome"] == "cancelled"
    assert plane.plane.counts() == {}


async def test_a_waiting_stream_is_kept_alive_with_comments(plane, client, replica_server, monkeypatch):
    monkeypatch.setattr(exchange, "KEEP_ALIVE", 0.1)

    async def answer(asked, writer):
        await begin_events(writer)
        await event(writer)
        await end_events(writer)

    plane.catalog(state=State.STARTING, reason="loading the weights")
    async with client.stream("POST", "/v1/chat/completions", json={**CHAT, "stream": True}) as stream:
        lines = (line async for line in stream.aiter_lines() if line)
        assert await anext(lines) == f": {MODEL} is starting on desk (loading the weights)"
        plane.catalog(await replica_server(answer))
        rest = [line async for line in lines if not line.startswith(":")]
    assert rest == ["data: {}", "data: [DONE]"]


async def test_a_refusal_after_a_comment_is_an_error_event(plane, client, replica_server, monkeypatch):
    monkeypatch.setattr(exchange, "KEEP_ALIVE", 0.1)
    plane.catalog(state=State.STARTING)
    async with client.stream("POST", "/v1/chat/completions", json={**CHAT, "stream": True}) as stream:
        lines = (line async for line in stream.aiter_lines() if line)
        await anext(lines)
        refusal = json_answer(b'{"error":{"message":"the prompt is too long"}}', b"400 Bad Request")
        plane.catalog(await replica_server(refusal))
        (error,) = [line async for line in lines if line.startswith("data:")]
    assert "the prompt is too long" in error


@pytest.mark.parametrize("stream", [False, True])
async def test_a_replica_that_refuses_connections_is_waited_for(
    plane, client, replica_server, stream, monkeypatch
):
    monkeypatch.setattr(exchange, "RECONSIDER", 0.1)
    gone = await replica_server(json_answer())
    dead_port = gone.port
    gone.port = 1
    plane.catalog(gone)
    asking = asyncio.create_task(client.post("/v1/chat/completions", json={**CHAT, "stream": stream}))
    assert (await plane.until("unreachable"))["replica"] == "r1"
    gone.port = dead_port
    plane.catalog(gone)
    assert (await asking).status_code == 200


async def test_load_is_reported_while_it_lasts(plane, client, replica_server):
    may_go_on = asyncio.Event()

    async def answer(asked, writer):
        await may_go_on.wait()
        await json_answer()(asked, writer)

    plane.catalog(await replica_server(answer))
    asking = asyncio.create_task(client.post("/v1/chat/completions", json=CHAT))
    assert (await plane.until("load"))["counts"] == [[MODEL, "desk", 1, 0]]
    may_go_on.set()
    await asking
    assert (await plane.until("load", 2))["counts"] == []


async def test_listeners_get_the_catalog_at_once_and_at_each_change(plane, client):
    plane.catalog()
    async with client.stream("GET", "/api/events") as stream:
        lines = (line async for line in stream.aiter_lines() if line.startswith("data:"))
        assert '"state":"cold"' in await anext(lines)
        plane.catalog(state=State.STARTING)
        assert '"state":"starting"' in await anext(lines)


async def test_control_requests_are_relayed_and_answered(plane, client):
    plane.catalog()
    asking = asyncio.create_task(client.put("/api/current", json={"model": "alias"}))
    message = await plane.until("control")
    assert (message["method"], message["path"], message["body"]) == ("PUT", "current", '{"model":"alias"}')
    plane.plane.receive(
        {"type": "reply", "id": message["id"], "status": 200, "body": '{"model":"org/model"}'}
    )
    answer = await asking
    assert (answer.status_code, answer.json()) == (200, {"model": MODEL})


async def test_an_answer_to_a_control_request_whose_client_left_is_dropped(plane):
    async with httpx.AsyncClient(
        trust_env=False, headers={"Authorization": "Bearer the-scoped-key"}
    ) as client:
        asking = asyncio.create_task(client.get(f"{plane.url}/api/status"))
        message = await plane.until("control")
        asking.cancel()
        await asyncio.sleep(0.05)
    plane.plane.receive({"type": "reply", "id": message["id"], "status": 200, "body": "{}"})
