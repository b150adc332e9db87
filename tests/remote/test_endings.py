"""How a replica ends, on the real llama.cpp server."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest
from first_jupyter_remote import functions
from replica_worker import call, story

pytestmark = pytest.mark.model


def test_closing_the_input_ends_everything_at_once(serve, llama_spec):
    worker = serve(llama_spec)
    worker.stage("ready")
    pids = set(worker.tree())
    worker.process.stdin.close()
    assert worker.result()["stage"] == "stopped"
    assert worker.wait_for_nobody(pids) == {}


def test_closing_the_input_while_the_model_loads_ends_everything(serve, llama_spec):
    worker = serve(llama_spec)
    worker.stage("loading")
    pids = set(worker.tree())
    worker.process.stdin.close()
    assert worker.wait_for_nobody(pids) == {}


def test_nothing_outlives_a_worker_killed_while_the_model_loads(serve, llama_spec):
    worker = serve(llama_spec)
    worker.stage("loading")
    assert worker.wait_for_nobody(worker.kill()) == {}


def test_nothing_outlives_a_killed_leash(serve, llama_spec):
    worker = serve(llama_spec)
    worker.stage("ready")
    before = set(worker.tree()) - {worker.process.pid}
    leash = next(pid for pid, command in worker.tree().items() if "leash.py" in command)
    os.kill(leash, signal.SIGKILL)
    worker.stage("loading")
    assert not before & set(worker.tree())
    assert worker.stage("ready")["restarts"] == 1


def test_sigterm_ends_a_worker_at_once(serve, llama_spec):
    worker = serve(llama_spec)
    worker.stage("ready")
    pids = set(worker.tree())
    worker.process.terminate()
    last = worker.result()
    assert "SIGTERM" in last["reason"]
    assert last["again"]
    assert worker.wait_for_nobody(pids) == {}


def test_a_stop_line_drains_the_replica(serve, llama_spec):
    worker = serve(llama_spec)
    worker.stage("ready")
    asked = time.time()
    worker.send({"stop": True})
    assert worker.stage("draining")["port"]
    last = worker.result()
    assert (last["stage"], last["port"], last["key"], last["again"]) == ("stopped", None, None, False)
    assert last["updated"] > asked


def test_a_running_answer_is_finished_before_the_replica_ends(serve, llama_spec):
    worker = serve(llama_spec)
    with story(worker.stage("ready"), llama_spec["id"], tokens=40) as answer:
        worker.send({"stop": True})
        worker.stage("draining")
        assert answer.read().rstrip().endswith(b"data: [DONE]")
    assert worker.result()["stage"] == "stopped"


def test_a_stop_file_ends_the_replica(serve, llama_spec, tmp_path):
    worker = serve(llama_spec)
    worker.stage("ready")
    assert functions.stop(str(tmp_path), "r1")["stage"] == "ready"
    last = worker.result()
    assert (last["reason"], last["again"]) == ("somebody asked it to end", False)
    assert functions.find(str(tmp_path))[0]["stage"] == "stopped"
    assert not list(tmp_path.glob("replicas/*.stop"))


def test_a_replica_that_was_stopped_before_it_began_ends_at_once(serve, llama_spec, tmp_path):
    assert functions.stop(str(tmp_path), "r1")["stage"] == "queued"
    worker = serve(llama_spec)
    assert worker.result()["stage"] == "stopped"
    assert not any(record["stage"] == "loading" for record in worker.records)


def test_a_replica_that_nobody_uses_ends(serve, llama_spec):
    worker = serve({**llama_spec, "idle_ttl": 3})
    ready = worker.stage("ready")
    last = worker.result()
    assert (last["reason"], last["again"]) == ("nobody has used it for 3 s", True)
    assert last["updated"] >= ready["expires"]


def test_a_killed_agent_is_found_to_be_gone(serve, llama_spec, tmp_path):
    worker = serve(llama_spec)
    worker.stage("ready")
    assert functions.find(str(tmp_path))[0]["stage"] == "ready"
    worker.kill()
    found = functions.find(str(tmp_path))[0]
    assert (found["stage"], found["port"], found["key"], found["again"]) == ("failed", None, None, True)
    assert "is gone" in found["reason"]


def test_weights_that_are_not_there_fail_at_once_with_their_path(serve, llama_spec, tmp_path):
    path = str(tmp_path / "no-such.gguf")
    last = serve({**llama_spec, "weights": {"path": path}}).result()
    assert (last["stage"], last["again"], last["restarts"]) == ("failed", False, 0)
    assert path in last["reason"]
    assert "No such file" in last["reason"]


@pytest.mark.parametrize("size", [10, 100_000, 40_000_000])
def test_weights_that_are_cut_short_fail_at_once_with_their_path(serve, llama_spec, tmp_path, cache, size):
    whole = next(Path(cache).glob("weights/*.Q4_1.gguf"))
    path = tmp_path / "short.gguf"
    with whole.open("rb") as file:
        path.write_bytes(file.read(size))
    worker = serve({**llama_spec, "weights": {"path": str(path)}})
    last = worker.result()
    assert (last["stage"], last["restarts"]) == ("failed", 0)
    assert str(path) in last["reason"]
    assert "cut short" in last["reason"]
    # The shortest is refused before there is a server.
    assert any("load" in line for line in last["log"]) is (size > 1000)
    assert last["log_file"] == (str(tmp_path / "replicas" / "r1.log") if size > 1000 else None)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"backend": "olama"}, "there is no backend 'olama'; known are: llama.cpp, vllm"),
        ({"python": "/no/python"}, "/no/python: No such file"),
        ({"weights": {}}, "needs weights"),
        ({"args": ["--nonsense"]}, "unrecognized arguments: --nonsense"),
        ({"context": 4_000_000, "parallel": 1}, "not enough memory"),
    ],
)
def test_what_cannot_work_fails_with_the_cause(serve, llama_spec, change, reason):
    last = serve({**llama_spec, **change}).result()
    assert (last["stage"], last["restarts"]) == ("failed", 0)
    assert reason in last["reason"]


def test_the_log_of_a_failure_tells_no_secret(serve, llama_spec, tmp_path):
    teller = tmp_path / "python"
    words = ["key $FIRST_REPLICA_KEY", "token $HF_TOKEN", "error: unrecognized arguments: --x"]
    teller.write_text("\n".join(["#!/bin/sh", *(f'echo "{line}"' for line in words), "exit 2"]))
    teller.chmod(0o755)
    last = serve({**llama_spec, "python": str(teller), "env": {"HF_TOKEN": "hf_abcdefgh"}}).result()
    assert last["stage"] == "failed"
    assert last["log"] == ["key ***", "token ***", words[-1]]


def test_a_replica_that_somebody_stopped_leaves_no_log_behind(serve, llama_spec):
    worker = serve(llama_spec)
    worker.stage("ready")
    worker.send({"stop": True})
    assert worker.result()["log"] == []


def test_an_interpreter_without_the_backend_fails_with_the_remedy(serve, llama_spec):
    last = serve({**llama_spec, "python": sys._base_executable}).result()
    assert (last["stage"], last["restarts"]) == ("failed", 0)
    assert "pip install 'first-jupyter[local]'" in last["reason"]


def test_a_full_cache_fails_with_what_is_needed(serve, llama_spec, small_disk):
    last = serve(llama_spec, env={"FIRST_CACHE": str(small_disk)}).result()
    assert last["stage"] == "failed"
    assert "needs 186 MB" in last["reason"]


def test_a_full_home_keeps_nobody_from_serving(serve, llama_spec, small_disk):
    (small_disk / "filler").write_bytes(b"x" * shutil.disk_usage(small_disk).free)
    worker = serve(llama_spec, home=small_disk)
    ready = worker.stage("ready", "failed")
    assert ready["stage"] == "ready"
    assert "No space left on device" in ready["reason"]
    worker.send({"stop": True})
    assert worker.result()["stage"] == "stopped"


def test_embeddings_are_served(serve, llama_spec):
    worker = serve({**llama_spec, "embeddings": True, "args": ["--pooling", "mean"]})
    record = worker.stage("ready", "failed")
    assert (record["stage"], record["reason"]) == ("ready", "")
    status, answer = call(record, "/v1/embeddings", {"model": llama_spec["id"], "input": ["one", "two"]})
    assert status == 200
    assert len(answer["data"]) == 2
