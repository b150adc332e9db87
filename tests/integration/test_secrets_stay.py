"""Prompts, keys and answers are nowhere but where they belong, however much is logged."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import httpx
import json_logs
import openai
import pytest
from campus import MODEL, Campus
from jupyter_process import Jupyter, free_port

PROMPT, KEY = f"prompt-{uuid.uuid4().hex}", f"sk-{uuid.uuid4().hex}"
READS = ["status", "models", "clusters", "current", "usage", "why", "rules", "login"]


@pytest.fixture(scope="module", params=["text", "json"])
def server(request, tmp_path_factory):
    """A server that logs all it can, and a server of somebody else's that wants a key."""
    campus, home = Campus(free_port()), tmp_path_factory.mktemp("secrets")
    if request.param == "json":
        json_logs.configure(home)
    section = {**campus.section, "key_env": "CAMPUS_KEY"}
    running = Jupyter(
        home,
        "--debug",
        env={"CAMPUS_KEY": KEY},
        federation=json.dumps({"clusters": {"campus": section}}),
    )
    running.logs_json = request.param == "json"
    yield running
    running.close()
    campus.kill()


@pytest.fixture(scope="module")
def asked(server):
    """The server, after an answer, a stream, a failure and a mistake on each port; returns what was told."""
    events = server.websocket("api/events/subscribe")
    told = []
    for port in (server.openai, server.openai_through_jupyter):
        with port() as client:
            for says in (PROMPT, f"{PROMPT} poison"):
                for options in ({}, {"stream": True}, {"tools": "no list"}):
                    body = {"model": MODEL, "messages": [{"role": "user", "content": says}], **options}
                    ask(client, body)
            ask(client, {"model": PROMPT, "messages": []})
    with server.kernels_port() as client:
        client.post("first/v1/chat/completions", content=f'{{"cut": "{PROMPT}'.encode())
        told += [client.get(f"first/api/{path}").text for path in READS]
    events.settimeout(10)
    while not any("usage" in text for text in told[len(READS) :]):
        told.append(events.recv())
    events.close()
    return told


def ask(client, body):
    try:
        answer = client.post("/chat/completions", body=body, cast_to=httpx.Response)
        answer.read()
    except openai.APIError:
        pass


def holding(server, secret):
    """Return the files of a server that hold a secret."""
    files = [path for path in server.home.rglob("*") if path.is_file()]
    return [path.relative_to(server.home) for path in files if secret.encode() in path.read_bytes()]


def test_a_prompt_is_in_no_log_and_no_file(server, asked):
    assert server.get("usage")["today"]["requests"] >= 8
    assert holding(server, PROMPT) == []


def test_a_prompt_is_in_no_event_and_no_answer_of_the_control_api(asked):
    assert not [text for text in asked if PROMPT in text]


def test_the_key_of_a_server_is_in_no_log_no_file_and_no_answer(server, asked):
    assert holding(server, KEY) == []
    assert not [text for text in asked if KEY in text]


def test_the_key_of_a_server_is_in_no_kernel_and_no_other_process_of_ours(server, asked):
    with server.kernel() as run:
        assert run("import os; print(os.environ.get('CAMPUS_KEY'))").strip() == "None"
        others = set(server.processes()) - {server.process.pid}
        assert len(others) > 1
        assert not [pid for pid in others if KEY.encode() in Path(f"/proc/{pid}/environ").read_bytes()]
    assert server.ask(MODEL)


def test_our_key_is_in_the_runtime_file_alone_and_in_no_event(server, asked):
    assert holding(server, server.found["api_key"]) == [server.runtime_file.relative_to(server.home)]
    assert not [text for text in asked if server.found["api_key"] in text]


def test_no_command_line_holds_a_secret(server, asked):
    commands = " ".join(server.processes().values())
    assert not [secret for secret in (KEY, PROMPT, server.found["api_key"]) if secret in commands]


def test_jupyters_token_is_in_no_file_of_ours(server, asked):
    ours = [path for path in holding(server, server.token) if path.parts[0] == "data"]
    assert ours == []


def test_a_log_in_json_has_the_requests_and_not_even_jupyters_token(server, asked):
    if not server.logs_json:
        assert server.token in server.log  # Jupyter tells its user so
        return
    lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    assert [line for line in lines if line["logger"] == "FirstApp.requests" and "request_id" in line]
    assert server.token not in server.log
