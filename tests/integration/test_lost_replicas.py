"""Replicas that end before they are ready, and the requests that wait for them."""

from __future__ import annotations

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest
from jupyter_process import wait_until

pytestmark = pytest.mark.model

GATED = "lab/gated"


@pytest.fixture
def gate(lab, model_folder):
    """Name a file without which the model does not become ready."""
    gate = model_folder / "gated.open"
    yield gate
    gate.touch()
    lab.cold(GATED)
    gate.unlink()


@pytest.fixture
def ask(lab, gate):
    """Return a function that asks the model on one of the ports, and returns the answer's future."""

    def asked(through):
        with getattr(lab, through)() as client:
            hello = [{"role": "user", "content": "Say hello."}]
            answer = client.chat.completions.create(model=GATED, messages=hello, max_tokens=8)
        return answer.choices[0].message.content

    with ThreadPoolExecutor() as pool:
        yield lambda through="openai": pool.submit(asked, through)
        gate.touch()


def on_its_way(lab, after=None):
    """Return the record of the replica that is waited for, as soon as it is another one than before."""

    def record():
        leases = lab.place(GATED)["leases"]
        if not leases or leases[0]["stage"] != "loading" or leases[0]["replica"] == after:
            return None
        (path,) = lab.home.rglob(f"replicas/{leases[0]['replica']}.json")
        return json.loads(path.read_text())

    return wait_until(record, 90)


def lose_one(lab, how, after=None):
    lost = on_its_way(lab, after)
    os.kill(lost["pid"], how)
    return lost["replica"]


@pytest.mark.parametrize(
    ("through", "how"),
    [
        ("openai", signal.SIGTERM),
        ("openai", signal.SIGKILL),
        ("openai_through_jupyter", signal.SIGTERM),
    ],
)
def test_a_request_whose_node_agent_is_ended_is_answered_by_another_replica(lab, gate, ask, through, how):
    answer = ask(through)
    on_its_way(lab, after=lose_one(lab, how))
    assert "started again: " in lab.place(GATED)["reason"]
    gate.touch()
    assert answer.result(60)


def test_a_request_that_loses_two_is_told_why(lab, ask):
    answer = ask()
    lose_one(lab, signal.SIGTERM, after=lose_one(lab, signal.SIGTERM))
    with pytest.raises(openai.InternalServerError, match="nor when it was started again: its node agent was"):
        answer.result(60)


def test_a_request_whose_model_is_stopped_is_told_so_and_starts_no_other(lab, ask):
    answer = ask()
    on_its_way(lab)
    lab.post("models/stop", model=GATED)
    with pytest.raises(openai.InternalServerError, match="did not become ready: somebody asked it to end"):
        answer.result(60)
    assert lab.place(GATED)["state"] == "cold"
