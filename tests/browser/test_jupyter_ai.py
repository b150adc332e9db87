"""The federation's models in the chat of the true Jupyter AI, as a person and their browser see it."""

import contextlib
import json
import sys
from pathlib import Path

import pytest
import websocket
from lab import running_lab

sys.path.append(str(Path(__file__).parents[1] / "ai"))

import ai_env
from jupyter_process import wait_until

pytestmark = [pytest.mark.ai, pytest.mark.browser, pytest.mark.model]


OURS = "jupyter-ai-personas::first_jupyter_server::FirstPersona"


@pytest.fixture(scope="module")
def lab_with_jupyter_ai(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jupyter-ai")
    env, python = ai_env.env(), ai_env.python()
    ai_env.unshare(folder / "config")
    with running_lab(folder, *ai_env.flags(shared_documents=False), env=env, python=python) as lab:
        yield lab


def test_a_chat_waits_for_a_cold_model_answers_lets_another_be_picked_and_stops(lab_with_jupyter_ai, drive):
    lab = lab_with_jupyter_ai
    seen = drive("jupyter_ai.mjs", lab.address("lab"))
    assert seen["before"] == "SmolLM2-135M-Instruct (current choice)"
    assert any(line.startswith("FIRST waits for SmolLM2-135M-Instruct on local: ") for line in seen["waits"])
    assert any("HuggingFaceTB/SmolLM2-135M-Instruct: hot on local" in row for row in seen["models"])
    assert seen["after"] == "SmolLM2-135M-Instruct"
    assert len(seen["said"]) == 6
    assert all(seen["said"])
    recent = wait_until(lambda: len(known := lab.fetch("first/api/usage")["recent"]) == 3 and known, 30)
    assert [request["outcome"] for request in recent] == ["cancelled", "ok", "ok"]
    assert {request["notebook"] for request in recent} == {"untitled.chat"}


def test_a_file_that_is_attached_is_sent_along_and_one_that_is_too_long_is_told(lab_with_jupyter_ai):
    lab = lab_with_jupyter_ai
    (lab.root / "notes.txt").write_text("The beam time is on Tuesday. " * 500)
    url = lab.url.replace("http", "ws", 1) + "api/chat/ws/notes.chat"
    header = {"Authorization": f"token {lab.token}"}
    question = {
        "type": "client",
        "action": "send",
        "id": "question",
        "body": "When is it?",
        "metadata": {"to_persona": OURS},
        "attachments": [{"type": "file", "value": "notes.txt"}],
    }
    chat = websocket.create_connection(url, header=header, timeout=120, http_no_proxy=["*"])
    with contextlib.closing(chat):
        chat.send(json.dumps(question))
        while (told := json.loads(chat.recv())).get("message", {}).get("sender") != OURS:
            pass
    assert "exceeds the available context size" in told["message"]["body"]
