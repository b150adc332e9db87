"""A request whose replica was lost before it was ready waits on for another one, once."""

import asyncio

import pytest
from first_jupyter_server.dataplane import exchange
from first_jupyter_server.federation.catalog import State

from .conftest import CHAT, MODEL, begin_events, end_events, event, json_answer

CANCELLED = "its node agent was told to end (SIGTERM)"
LATER = 4e9
"""A moment after any request of these tests."""


@pytest.fixture
async def asking(plane, client):
    """A request that waits for a replica."""
    plane.catalog()
    asking = asyncio.create_task(client.post("/v1/chat/completions", json=CHAT))
    await plane.until("start")
    plane.catalog(state=State.STARTING)
    return asking


def lost(plane, at=LATER, state=State.COLD):
    plane.catalog(state=state, reason=CANCELLED, ended=at, again=True)


@pytest.mark.parametrize("state", [State.COLD, State.OFFLINE])
async def test_another_one_is_started_and_answers(plane, asking, replica_server, state):
    lost(plane, state=state)
    assert await plane.until("start", 2) == {"type": "start", "model": MODEL, "cluster": "desk"}
    plane.catalog(state=State.QUEUED, ended=LATER)
    plane.catalog(await replica_server(json_answer()))
    assert (await asking).status_code == 200


async def test_a_loss_that_is_told_twice_is_one(plane, asking, replica_server):
    lost(plane)
    lost(plane)
    plane.catalog(await replica_server(json_answer()))
    assert (await asking).status_code == 200
    assert len(plane.messages("start")) == 2


async def test_a_second_loss_ends_the_wait_with_what_happened(plane, asking):
    lost(plane)
    lost(plane, at=LATER + 1)
    answer = await asking
    assert answer.status_code == 503
    message = f"{MODEL} on desk did not become ready, nor when it was started again: {CANCELLED}"
    assert answer.json()["error"]["message"] == message


async def test_a_failure_of_its_own_ends_the_wait_at_once(plane, asking):
    plane.catalog(state=State.OFFLINE, reason="/models/x.gguf does not exist", ended=LATER)
    assert "/models/x.gguf does not exist" in (await asking).json()["error"]["message"]
    assert len(plane.messages("start")) == 1


async def test_a_model_that_somebody_stops_is_not_started_again(plane, asking):
    plane.catalog(state=State.COLD, reason="somebody asked it to end", ended=LATER)
    answer = await asking
    assert answer.json()["error"]["message"] == (
        f"{MODEL} on desk did not become ready: somebody asked it to end"
    )
    assert len(plane.messages("start")) == 1


async def test_a_stream_that_waits_on_says_why(plane, client, replica_server, monkeypatch):
    monkeypatch.setattr(exchange, "KEEP_ALIVE", 0.1)

    async def answer(asked, writer):
        await begin_events(writer)
        await event(writer)
        await end_events(writer)

    plane.catalog(state=State.STARTING)
    async with client.stream("POST", "/v1/chat/completions", json={**CHAT, "stream": True}) as stream:
        lines = (line async for line in stream.aiter_lines() if line)
        assert await anext(lines) == f": {MODEL} is starting on desk"
        lost(plane)
        plane.catalog(state=State.QUEUED, reason=f"waiting for a node; started again: {CANCELLED}")
        while "queued" not in (comment := await anext(lines)):
            pass
        assert comment.endswith(f"(waiting for a node; started again: {CANCELLED})")
        plane.catalog(await replica_server(answer))
        rest = [line async for line in lines if not line.startswith(":")]
    assert rest == ["data: {}", "data: [DONE]"]
