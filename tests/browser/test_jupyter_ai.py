"""The federation's models in the chat of the true Jupyter AI, as a person sees it."""

import sys
from pathlib import Path

import pytest
from lab import running_lab

sys.path.append(str(Path(__file__).parents[1] / "ai"))

import ai_env
from jupyter_process import wait_until

pytestmark = [pytest.mark.ai, pytest.mark.browser, pytest.mark.model]


@pytest.fixture
def lab_with_jupyter_ai(tmp_path):
    env, python = ai_env.env(), ai_env.python()
    ai_env.unshare(tmp_path / "config")
    with running_lab(tmp_path, *ai_env.flags(shared_documents=False), env=env, python=python) as lab:
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
