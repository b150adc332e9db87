"""The kinds in a real Jupyter server, whose data plane is a process of its own on its own kind of loop."""

import asyncio
import json
import sys
from pathlib import Path

import httpx
import pytest
from llama import KEY, SMOLLM2
from ways import ConnectProxy, Front

sys.path.append(str(Path(__file__).parents[1] / "integration"))

from jupyter_process import Jupyter, text_of, wait_until

pytestmark = pytest.mark.model

NAME = "llm.campus.invalid"
PASSWORD = "s3cret-of-the-proxy"


@pytest.fixture
async def jupyter(tmp_path, llama, authority):
    """A server with a campus server behind TLS and a proxy, a dead one, and a gateway without a login."""
    proxy = ConnectProxy(f"ada:{PASSWORD}", hosts={NAME: "127.0.0.1"})
    async with Front(llama.port, authority.context(NAME)) as front, proxy:
        campus = {"kind": "openai", "url": f"https://{NAME}:{front.port}/v1", "key_env": "CAMPUS_KEY"}
        federation = {
            "campus": {**campus, "models": [{"id": SMOLLM2, "aliases": ["smollm2"]}]},
            "gone": {"kind": "openai", "url": "http://127.0.0.1:1/v1", "models": [{"id": "lab/gone"}]},
            "alcf": {"kind": "first-gateway", "profile": "alcf"},
        }
        server = await asyncio.to_thread(
            Jupyter,
            tmp_path / "jupyter",
            federation=json.dumps({"clusters": federation}),
            env={
                "CAMPUS_KEY": KEY,
                "SSL_CERT_FILE": str(authority.file),
                "https_proxy": f"http://ada:{PASSWORD}@127.0.0.1:{proxy.port}",
                "no_proxy": "127.0.0.1,localhost",
            },
        )
        yield server
        await asyncio.to_thread(server.close)


def asked(server):
    """Ask in every way that there is."""
    wait_until(lambda: server.place(SMOLLM2)["state"] == "hot", 30)
    with server.openai() as client:
        hello = {"model": "smollm2", "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 4}
        answer = client.chat.completions.with_raw_response.create(**hello)
        yield answer.headers["x-first-cluster"], bool(answer.parse().choices[0].message.content)
        yield "streamed", bool(text_of(client.chat.completions.create(**hello, stream=True)))


async def test_a_server_behind_tls_and_a_proxy_serves_notebooks(jupyter):
    assert await asyncio.to_thread(lambda: list(asked(jupyter))) == [("campus", True), ("streamed", True)]
    for secret in (KEY, PASSWORD):
        assert secret not in jupyter.log


async def test_each_cluster_tells_how_it_is(jupyter):
    def known():
        told = {each["cluster"]: each for each in jupyter.get("clusters")["clusters"]}
        return told if all(each["state"] != "unknown" for each in told.values()) else None

    told = await asyncio.to_thread(wait_until, known, 60)
    assert {name: (each["kind"], each["state"]) for name, each in told.items()} == {
        "campus": ("openai", "online"),
        "gone": ("openai", "offline"),
        "alcf-sophia": ("first-gateway", "offline"),
        "alcf-metis": ("first-gateway", "offline"),
    }
    assert told["campus"]["seen"] is not None
    assert told["gone"]["seen"] is None
    assert (told["campus"]["paths"], told["gone"]["paths"]) == (["direct"], [])
    assert told["gone"]["reason"] == "127.0.0.1:1 takes no connections: nothing serves there now"
    assert told["alcf-sophia"]["reason"] == "ALCF Inference needs a login with Globus: log in, then try again"
    login = await asyncio.to_thread(jupyter.get, "login")
    assert "ALCF Inference" in [each["service"] for each in login["asks"]]


async def test_a_model_that_is_not_ours_is_not_stopped_and_that_is_said(jupyter):
    await asyncio.to_thread(wait_until, lambda: jupyter.place(SMOLLM2)["state"] == "hot", 30)
    with pytest.raises(httpx.HTTPStatusError) as refused:
        await asyncio.to_thread(jupyter.post, "models/stop", model=SMOLLM2)
    assert refused.value.response.status_code == 409
    assert "whoever runs the server decides" in refused.value.response.json()["error"]["message"]
