"""A real model's answer goes on when its server is killed in the middle, and reads as if nothing had been."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import json_logs
import pytest
from jupyter_process import SMOLLM2, Jupyter, wait_until

pytestmark = pytest.mark.model

PORTS = ["openai", "openai_through_jupyter"]
ASKED = {
    "model": SMOLLM2,
    # In both answers the model never hesitates between two words: half precision cannot change them.
    "messages": [{"role": "user", "content": "Compare cats and dogs as pets."}],
    "temperature": 0,
    "max_tokens": 60,
    "stream": True,
    "stream_options": {"include_usage": True},
    # What a server has read before changes its answers in the last digits.
    "extra_body": {"cache_prompt": False},
}
ASK_VLLM = f"""
import openai
answer = openai.OpenAI().with_options(default_headers={{"x-first-avoid": "small"}}).chat.completions.create(
    model={SMOLLM2!r}, messages=[{{"role": "user", "content": "Hello"}}], max_tokens=2
)
print(answer._request_id)
"""


@pytest.fixture(scope="module")
def lab(weights, tmp_path_factory):
    """Start a server with the same model on two clusters, hot on both."""
    model = {"id": SMOLLM2, "backend": "llama.cpp", "weights": weights, "context": 2048}
    clusters = {
        name: {"kind": "local", "models": [model | {"args": ["--threads", "1"]}]}
        for name in ("here", "there")
    }
    server = Jupyter(tmp_path_factory.mktemp("lab"), federation=json.dumps({"clusters": clusters}))
    yield server
    server.close()


@pytest.fixture
def hot(lab):
    """Have the model hot on both clusters."""

    def places():
        (entry,) = (entry for entry in lab.get("models")["models"] if entry["id"] == SMOLLM2)
        return entry["clusters"]

    for place in places():
        if place["state"] in ("cold", "offline"):
            lab.post("models/start", model=SMOLLM2, cluster=place["cluster"])
    wait_until(lambda: [place["state"] for place in places()] == ["hot", "hot"], 60)
    return lab


def kill_server_of(lab, replica):
    """Kill the inference server of a replica, as a node's end does."""
    records = [json.loads(path.read_text()) for path in lab.home.rglob("replicas/*.json")]
    (at,) = (record for record in records if record["replica"] == replica and record["stage"] == "ready")
    commands = lab.processes()
    (pid,) = (pid for pid in lab.backends() if f"--port {at['port']} " in commands.get(pid, "") + " ")
    os.kill(pid, signal.SIGKILL)


def answer(client, asked=ASKED, after_first_word=None):
    """Return the chunks of an answer, and do something after its first word."""
    api = client.completions if "prompt" in asked else client.chat.completions
    stream = api.with_raw_response.create(**asked)
    chunks = []
    for chunk in stream.parse():
        chunks.append(chunk)
        if after_first_word is not None and text_of([chunk]):
            after_first_word(stream.headers["x-first-replica"])
            after_first_word = None
    return chunks


def text_of(chunks):
    choices = [choice for chunk in chunks for choice in chunk.choices]
    return "".join(
        (choice.delta.content if hasattr(choice, "delta") else choice.text) or "" for choice in choices
    )


def counts(chunks):
    usage = chunks[-1].usage
    return usage.prompt_tokens, usage.completion_tokens, usage.total_tokens


@pytest.mark.parametrize("through", PORTS)
def test_a_chat_whose_server_is_killed_reads_the_same(hot, through):
    with getattr(hot, through)() as client:
        whole = answer(client)
        broken = answer(client, after_first_word=lambda replica: kill_server_of(hot, replica))
    assert text_of(broken) == text_of(whole)
    assert counts(broken) == counts(whole)
    assert len({chunk.id for chunk in broken}) == 1
    (seam,) = broken[-1].x_first["seams"]
    assert {seam["cluster"]} < {"here", "there"}
    assert 0 < seam["at"] < len(text_of(whole))


def test_a_text_whose_server_is_killed_reads_the_same(hot):
    asked = {key: value for key, value in ASKED.items() if key != "messages"}
    asked["prompt"] = "def fibonacci(n):\n"
    with hot.openai() as client:
        whole = answer(client, asked)
        broken = answer(client, asked, after_first_word=lambda replica: kill_server_of(hot, replica))
    assert text_of(broken) == text_of(whole)
    assert broken[-1].x_first["seams"]


def test_json_goes_on_in_the_form_that_was_asked_for(hot):
    properties = {"name": {"enum": ["Ada", "Grace"]}, "colour": {"enum": ["mauve", "taupe"]}}
    schema = {"type": "object", "properties": properties, "required": ["name", "colour"]}
    form = {"type": "json_schema", "json_schema": {"name": "thing", "schema": schema}}
    with hot.openai() as client:
        broken = answer(
            client,
            {**ASKED, "response_format": form},
            after_first_word=lambda replica: kill_server_of(hot, replica),
        )
    assert json.loads(text_of(broken))["colour"] in ("mauve", "taupe")
    assert broken[-1].x_first["seams"]


def test_the_ledger_has_one_whole_answer(hot):
    with hot.openai() as client:
        broken = answer(client, after_first_word=lambda replica: kill_server_of(hot, replica))
    (seam,) = broken[-1].x_first["seams"]

    def kept():
        last = next(iter(hot.get("usage")["recent"]), None)
        return last and last["replica"] == seam["to"] and last

    last = wait_until(kept, 10)
    assert (last["outcome"], last["completion_tokens"]) == ("ok", counts(broken)[1])


@pytest.fixture(scope="module")
def mixed(weights, tmp_path_factory):
    """Start a server with the model on two clusters, served by vLLM and by llama.cpp; logs are JSON."""
    python, folder = os.environ.get("FIRST_TEST_VLLM_PYTHON"), os.environ.get("FIRST_TEST_VLLM_MODEL")
    if not python or not folder:
        pytest.fail("there is no vLLM to test: run .ci/vllm-env, or deselect with -m 'not vllm'")
    small = {"id": SMOLLM2, "backend": "llama.cpp", "weights": weights, "context": 2048}
    args = ["--enforce-eager", "--kv-cache-memory-bytes", "134217728"]
    large = {**small, "backend": "vllm", "weights": folder, "python": python, "args": args}
    large["env"] = {"FIRST_LOG_FORMAT": "json"}
    clusters = {
        "large": {"kind": "local", "models": [large]},
        "small": {"kind": "local", "models": [small | {"args": ["--threads", "1"]}]},
    }
    home = tmp_path_factory.mktemp("mixed")
    json_logs.configure(home)
    server = Jupyter(home, federation=json.dumps({"clusters": clusters}))
    for cluster in clusters:
        server.post("models/start", model=SMOLLM2, cluster=cluster)

    def places():
        return {place["cluster"]: place["state"] for place in server.get("models")["models"][0]["clusters"]}

    wait_until(lambda: set(places().values()) == {"hot"}, 300, places)
    yield server
    server.close()


@pytest.mark.vllm
def test_a_request_is_followed_by_its_id_from_the_kernel_to_the_node(mixed):
    with mixed.kernel() as run:
        request = run(ASK_VLLM).strip()
    told = wait_until(lambda: len(found := json_logs.lines_of(mixed, request)) == 2 and found, 60)
    by = {line["logger"]: line for line in map(json.loads, told)}
    jupyters, nodes = by["FirstApp.requests"], by["vllm"]
    assert (jupyters["outcome"], jupyters["status"], jupyters["notebook"]) == ("ok", 200, "n.ipynb")
    assert (jupyters["cluster"], jupyters["replica"]) == ("large", nodes["replica"])
    assert nodes["model"] == jupyters["model"] == SMOLLM2
    assert {"time", "level", "message", "total_s"} <= jupyters.keys() & nodes.keys()


@pytest.mark.vllm
def test_an_answer_goes_on_when_the_engine_dies_behind_a_server_that_lives(mixed):
    def kill_engine(_):
        servers = [pid for pid, words in mixed.processes().items() if "vllm_server.py" in words]
        (engine,) = (
            int(child)
            for pid in servers
            for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            if Path(f"/proc/{child}/cmdline").read_text().startswith("VLLM::EngineCore")
        )
        os.kill(engine, signal.SIGKILL)

    asked = {**ASKED, "extra_headers": {"x-first-avoid": "small"}}
    with mixed.openai() as client:
        broken = answer(client, asked, after_first_word=kill_engine)
    (seam,) = broken[-1].x_first["seams"]
    assert seam["cluster"] == "small"
    assert counts(broken)[1] == ASKED["max_tokens"]
    assert len({chunk.id for chunk in broken}) == 1
