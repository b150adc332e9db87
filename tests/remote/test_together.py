"""Several models in one task, on the real llama.cpp server."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from queue import Queue

import pytest
from first_jupyter_remote import functions
from first_jupyter_remote.protocol import ModelSpec, Stage
from first_jupyter_remote.stopping import Stop
from first_jupyter_remote.together import divided
from replica_worker import ask_for_capital


@pytest.mark.parametrize(
    ("gpus", "shares"),
    [
        ((None, None), ("0,1", "2,3")),
        ((1, None), ("0", "1,2,3")),
        ((3, 1), ("0,1,2", "3")),
        ((0, None), ("", "0,1,2,3")),
    ],
)
def test_each_model_sees_its_part_of_the_node_s_gpus(gpus, shares):
    specs = [ModelSpec(f"m{number}", "vllm", gpus=each) for number, each in enumerate(gpus)]
    found = divided(specs, {"ROCR_VISIBLE_DEVICES": "0,1,2,3"})
    assert tuple(spec.env["ROCR_VISIBLE_DEVICES"] for spec in found) == shares


@pytest.mark.parametrize(
    ("after", "shares"), [((60.0, 60.0), ("0,1,2,3", "0,1")), ((60.0, None), ("0,1", "2,3"))]
)
def test_models_that_all_can_sleep_have_the_gpus_in_turn(after, shares):
    specs = [
        ModelSpec(name, "vllm", sleep_after=each, gpus=gpus)
        for name, each, gpus in zip("ab", after, (None, 2), strict=True)
    ]
    found = divided(specs, {"CUDA_VISIBLE_DEVICES": "0,1,2,3"})
    assert tuple(spec.env["CUDA_VISIBLE_DEVICES"] for spec in found) == shares


def test_on_a_node_without_gpus_nothing_is_divided():
    (spec,) = divided([ModelSpec("m", "vllm", gpus=2, env={"A": "B"})], {"PATH": ""})
    assert spec.env == {"FIRST_NODES": "1", "A": "B"}


def test_two_replicas_of_one_name_are_refused(tmp_path):
    parts = [{"spec": {"id": "m", "backend": "llama.cpp"}, "replica": "r1"}] * 2
    with pytest.raises(ValueError, match=r"needs an id of its own.*: r1, r1"):
        functions.serve_together(parts, str(tmp_path))


class Together:
    """A call of the function in a thread, with what it reports."""

    def __init__(self, parts, home):
        self.stop, self.news, self.last = Stop(), Queue(), {}
        self.result = []
        self.thread = threading.Thread(target=self._run, args=(parts, home))
        self.thread.start()

    def _run(self, parts, home):
        self.result = functions.serve_together(parts, str(home), self.news.put, self.stop)

    def wait(self, **stages):
        """Wait until each replica is, or was last, in its stage; return their records."""
        end = time.monotonic() + 120
        while any(self.last.get(name, {}).get("stage") != stage for name, stage in stages.items()):
            record = self.news.get(timeout=max(0.01, end - time.monotonic()))
            self.last[record["replica"]] = record
        return [self.last[name] for name in stages]


@pytest.fixture
def together(tmp_path):
    """Return a function that serves parts together; they end with the test."""
    calls = []

    def together(*parts):
        calls.append(Together(parts, tmp_path))
        return calls[-1]

    yield together
    for call in calls:
        call.stop.ask("the test is over", hurry=True)
        call.thread.join(timeout=60)
        assert not call.thread.is_alive()


@pytest.mark.model
def test_two_models_answer_from_one_task_and_end_together(together, llama_spec):
    other = {**llama_spec, "id": "other"}
    task = together({"spec": llama_spec, "replica": "a"}, {"spec": other, "replica": "b"})
    records = task.wait(a="ready", b="ready")
    assert records[0]["port"] != records[1]["port"]
    assert "Paris" in ask_for_capital(records[0], llama_spec["id"])
    assert "Paris" in ask_for_capital(records[1], "other")
    task.stop.ask("enough")
    task.thread.join(timeout=60)
    assert [(each["replica"], each["stage"], each["reason"]) for each in task.result] == [
        ("a", "stopped", "enough"),
        ("b", "stopped", "enough"),
    ]


@pytest.mark.model
def test_one_that_fails_or_is_stopped_leaves_the_others_alone(together, llama_spec, tmp_path):
    broken = {**llama_spec, "weights": {"path": "/no/such.gguf"}}
    parts = [
        {"spec": spec, "replica": name}
        for name, spec in (("a", broken), ("b", llama_spec), ("c", llama_spec))
    ]
    task = together(*parts)
    task.wait(a="failed", b="ready", c="ready")
    functions.stop(str(tmp_path), "b")
    task.wait(b="stopped")
    record = functions.find(str(tmp_path))[2]
    assert record["stage"] == Stage.READY
    assert "Paris" in ask_for_capital(record, llama_spec["id"])
    assert task.thread.is_alive()


SERVE = """
import json, sys
from first_jupyter_remote import functions
parts, home = json.loads(sys.argv[1]), sys.argv[2]
tell = lambda record: print(record["stage"], flush=True)
print([record["reason"] for record in functions.serve_together(parts, home, tell)])
"""


@pytest.mark.model
def test_sigterm_asks_all_to_end(llama_spec, tmp_path):
    parts = [{"spec": llama_spec, "replica": name} for name in "ab"]
    command = [sys.executable, "-c", SERVE, json.dumps(parts), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        ready = 0
        while ready < 2:
            ready += next(process.stdout) == "ready\n"
        process.send_signal(signal.SIGTERM)
        last = process.stdout.readlines()[-1]
        assert process.wait() == 0
    assert last.count("told to end (SIGTERM)") == 2
