"""The routes that we add to vLLM's server, and a real vLLM on a CPU, which gives no memory back."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from first_jupyter_remote.backends import backend, vllm_server
from first_jupyter_remote.probe import Address
from first_jupyter_remote.protocol import ModelSpec
from replica_worker import ask_for_capital, call

SLEEP, WAKE = "/v1/first/sleep", "/v1/first/wake"


class Engine:
    """vLLM's engine client, as far as sleeping goes."""

    def __init__(self):
        self.told = []

    async def sleep(self, level=1, mode="abort"):
        self.told.append(f"sleep {level}")

    async def wake_up(self, tags=None):
        self.told.append("wake")


class Served:
    """An app that answers when it is let go on, behind our middleware."""

    def __init__(self):
        self.engine, self.asked, self.go_on = Engine(), [], asyncio.Event()
        self.state = SimpleNamespace(engine_client=self.engine)
        self.inner = vllm_server.Sleeping(self.answer)

    async def __call__(self, scope, receive, send):
        await self.inner({**scope, "app": self}, receive, send)

    async def answer(self, scope, receive, send):
        self.asked.append(f"{scope['method']} {scope['path']}")
        if scope["method"] == "POST":
            await self.go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def served(monkeypatch):
    monkeypatch.setenv("VLLM_API_KEY", "secret")
    return Served()


@pytest.fixture
async def client(served):
    headers = {"Authorization": "Bearer secret"}
    transport = httpx.ASGITransport(served)
    async with httpx.AsyncClient(transport=transport, base_url="http://vllm", headers=headers) as client:
        yield client


async def begin(client):
    """Return a request that is on its way."""
    asked = asyncio.create_task(client.post("/v1/completions", json={}))
    await asyncio.sleep(0.01)
    return asked


async def test_it_sleeps_and_wakes_once(served, client):
    for path in (SLEEP, SLEEP, WAKE, WAKE):
        assert (await client.post(path)).status_code == 200
    assert served.engine.told == ["sleep 1", "wake"]
    assert served.asked == []


async def test_it_does_not_sleep_while_it_answers(served, client):
    asked = await begin(client)
    assert (await client.post(SLEEP)).status_code == 202
    assert served.engine.told == []
    served.go_on.set()
    assert (await asked).status_code == 200
    assert (await client.post(SLEEP)).status_code == 200
    assert served.engine.told == ["sleep 1"]


async def test_what_comes_while_it_sleeps_waits_and_is_answered(served, client):
    served.go_on.set()
    await client.post(SLEEP)
    asked = await begin(client)
    assert (await client.get(SLEEP)).json() == {"asleep": True, "waiting": 1}
    assert served.asked == []
    await client.post(WAKE)
    assert (await asked).status_code == 200
    assert (await client.get(SLEEP)).json() == {"asleep": False, "waiting": 0}


async def test_one_that_gives_up_waiting_keeps_nobody_up(served, client):
    await client.post(SLEEP)
    asked = await begin(client)
    asked.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asked
    assert (await client.get(SLEEP)).json()["waiting"] == 0


async def test_what_is_only_read_is_answered_while_it_sleeps(served, client):
    await client.post(SLEEP)
    assert (await client.get("/v1/models")).status_code == 200


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer secre", "Bearer secret2", "secret"])
async def test_without_the_key_nobody_puts_it_to_sleep_or_keeps_it_up(served, client, given):
    served.go_on.set()
    await client.post(SLEEP, headers={"Authorization": given})
    assert served.engine.told == []
    assert served.asked == [f"POST {SLEEP}"]
    await client.post(SLEEP)
    await client.post("/v1/completions", json={}, headers={"Authorization": given})
    assert (await client.get(SLEEP)).json()["waiting"] == 0


@pytest.mark.parametrize(("sleep_after", "asked_for"), [(None, False), (60.0, True)])
def test_vllm_is_asked_for_sleep_mode_by_sleep_after(sleep_after, asked_for):
    here = Address("127.0.0.1", 8000, "secret")
    launch = backend("vllm").launch(ModelSpec("m", "vllm", sleep_after=sleep_after), Path("/w"), here)
    assert ("--enable-sleep-mode" in launch.argv) is asked_for
    assert "VLLM_SERVER_DEV_MODE" not in launch.env


@pytest.mark.vllm
def test_a_request_that_reaches_a_sleeping_vllm_is_answered(serve, vllm_spec):
    # On a CPU vLLM offers no sleep mode, but has its engine sleep all the same where it is told to.
    args = [*vllm_spec["args"], "--middleware", "__main__.Sleeping"]
    worker = serve({**vllm_spec, "args": args, "sleep_after": 1.0})
    worker.stage("ready", "failed", timeout=180)
    asleep = worker.wait(lambda message: message.get("record", {}).get("reason") == "asleep")["record"]
    assert call(asleep, SLEEP)[1] == {"asleep": True, "waiting": 0}
    assert "Paris" in ask_for_capital(asleep, vllm_spec["id"])
    assert worker.stage("ready")["wakes"] == 1
    assert call(asleep, SLEEP, key="wrong")[0] == 401


@pytest.mark.vllm
def test_a_vllm_that_cannot_sleep_here_serves_and_says_so(serve, vllm_spec):
    worker = serve({**vllm_spec, "sleep_after": 1.0})
    ready = worker.stage("ready", "failed", timeout=180)
    assert ready["reason"] == "this machine's vllm cannot sleep, so it stays awake"
    assert "Paris" in ask_for_capital(ready, vllm_spec["id"])
    assert call(ready, SLEEP)[0] == 404
