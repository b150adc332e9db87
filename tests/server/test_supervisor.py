"""The data plane's process: the real child, killed and replaced."""

import asyncio
import logging
import os
import signal
import time
from pathlib import Path

import httpx
import openai
import pytest
from first_jupyter_server.dataplane.supervisor import Supervisor
from first_jupyter_server.federation.catalog import Catalog, Model, Place, Replica, State
from first_jupyter_server.processes import heartbeat

from .conftest import CHAT, KEY, MODEL, begin_events, event, json_answer, until


@pytest.fixture
async def supervisor():
    said = []
    child = Supervisor(said.append, logging.getLogger(__name__))
    child.said = said
    await child.start(key=KEY, max_body=2**20)
    yield child
    await child.stop()


def serve_from(supervisor, replica):
    served = Replica("r1", "127.0.0.1", replica.port)
    place = Place("desk", "local", "vllm", State.HOT, replicas=(served,))
    supervisor.push_catalog(Catalog(models=(Model(MODEL, places=(place,)),), current=MODEL).to_json())


def client_of(supervisor):
    headers = {"Authorization": f"Bearer {KEY}"}
    return httpx.AsyncClient(base_url=supervisor.base_url, headers=headers, timeout=20, trust_env=False)


async def killed(supervisor):
    """Kill the child, and return once it is gone."""
    pid = supervisor.pid
    os.kill(pid, signal.SIGKILL)
    await until(lambda: supervisor.pid != pid)


async def test_a_killed_child_is_replaced_on_the_same_port_with_the_same_key(supervisor, replica_server):
    serve_from(supervisor, await replica_server(json_answer()))
    port = supervisor.port
    await killed(supervisor)
    async with client_of(supervisor) as client:
        assert (await client.post("/chat/completions", json=CHAT)).json() == {"ok": True}
    assert (supervisor.port, supervisor.restarts) == (port, 1)


async def test_the_next_child_knows_the_notebooks_rules(supervisor, replica_server):
    serve_from(supervisor, await replica_server(json_answer()))
    supervisor.push_rules({"": {"avoid": [], "prefer": [], "stay": []}})
    await killed(supervisor)
    async with client_of(supervisor) as client:
        answer = await client.post("/chat/completions", json=CHAT)
    assert answer.json()["error"]["code"] == "no_cluster_fits"


async def test_a_request_made_while_there_is_no_child_is_answered_by_the_next(supervisor, replica_server):
    serve_from(supervisor, await replica_server(json_answer()))
    os.kill(supervisor.pid, signal.SIGKILL)
    async with client_of(supervisor) as client:
        answers = await asyncio.gather(*(client.post("/chat/completions", json=CHAT) for _ in range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5


async def test_an_answer_in_flight_ends_with_an_error_that_openais_client_raises(supervisor, replica_server):
    async def endless(asked, writer):
        await begin_events(writer)
        await event(writer, b'{"choices":[{"index":0,"delta":{"content":"once"}}]}')
        await asyncio.sleep(60)

    serve_from(supervisor, await replica_server(endless))
    async with openai.AsyncOpenAI(base_url=supervisor.base_url, api_key=KEY) as client:
        stream = await client.chat.completions.create(model=MODEL, messages=CHAT["messages"], stream=True)
        assert (await anext(stream)).choices[0].delta.content == "once"
        await killed(supervisor)
        with pytest.raises(openai.APIConnectionError):
            await anext(stream)


async def test_the_child_ends_when_the_pipe_does(supervisor):
    supervisor._child._minder.cancel()
    process = supervisor._child._process
    process.stdin.close()
    async with asyncio.timeout(5):
        await process.wait()


@pytest.fixture
def quick_heart(monkeypatch):
    monkeypatch.setattr(heartbeat, "EVERY", 0.2)
    monkeypatch.setattr(heartbeat, "LIMIT", 3.0)


@pytest.mark.usefixtures("quick_heart")
async def test_a_child_that_hangs_is_replaced_like_one_that_was_killed(supervisor, replica_server):
    serve_from(supervisor, await replica_server(json_answer()))
    port, pid = supervisor.port, supervisor.pid
    os.kill(pid, signal.SIGSTOP)
    async with client_of(supervisor) as client:
        assert (await client.post("/chat/completions", json=CHAT)).json() == {"ok": True}
    assert (supervisor.port, supervisor.restarts) == (port, 1)
    assert supervisor.pid != pid


@pytest.mark.usefixtures("quick_heart")
async def test_a_child_that_was_suspended_together_with_its_parent_is_left_alone(supervisor, replica_server):
    serve_from(supervisor, await replica_server(json_answer()))
    pid = supervisor.pid
    os.kill(pid, signal.SIGSTOP)
    time.sleep(heartbeat.LIMIT + heartbeat.LATE + 1.0)  # noqa: ASYNC251  # nothing runs here meanwhile either
    os.kill(pid, signal.SIGCONT)
    async with client_of(supervisor) as client:
        assert (await client.post("/chat/completions", json=CHAT)).json() == {"ok": True}
    assert supervisor.pid == pid


async def test_a_child_that_hangs_does_not_hold_up_the_end(supervisor):
    os.kill(supervisor.pid, signal.SIGSTOP)
    async with asyncio.timeout(10):
        await supervisor.stop()


async def test_outcomes_reach_the_extension(supervisor, replica_server):
    serve_from(supervisor, await replica_server(json_answer()))
    async with client_of(supervisor) as client:
        await client.post("/chat/completions", json=CHAT)
    await until(lambda: [message for message in supervisor.said if message["type"] == "done"])


async def test_a_message_that_cannot_be_dealt_with_does_not_silence_the_next(
    supervisor, replica_server, monkeypatch, caplog
):
    def trip(message):
        supervisor.said.append(message)
        raise LookupError(message["type"])

    monkeypatch.setattr(supervisor, "_receive", trip)
    serve_from(supervisor, await replica_server(json_answer()))
    for _ in range(2):
        before = len(supervisor.said)
        async with client_of(supervisor) as client:
            await client.post("/chat/completions", json=CHAT)
        await until(lambda before=before: len(supervisor.said) > before)
    assert "could not be dealt with" in caplog.text


async def test_neither_key_nor_address_is_in_the_childs_arguments_or_environment(supervisor):
    for name in ("cmdline", "environ"):
        assert KEY.encode() not in await asyncio.to_thread(Path(f"/proc/{supervisor.pid}/{name}").read_bytes)
