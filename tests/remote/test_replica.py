"""One contract for both backends, on real servers: ready, guarded, restarted, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import stat
import sys

import pytest
from processes import descendants, wait_for, wait_for_end
from replica_worker import Worker, ask_for_capital, call, story

ORDER = ["fetching", "loading", "warming", "ready"]
# A worker that has little patience with its server once it got SIGUSR1.
WORKER = """
import signal, sys
from first_jupyter_remote import pulse, worker
signal.signal(signal.SIGUSR1, lambda *_: vars(pulse).update(MUTE=5.0, STALL=5.0))
sys.exit(worker.main())
"""
# The process that makes the tokens, and what is noticed when it stands still.
MAKERS = {
    "llama.cpp": ("llama_server.py", "has not answered for 5 s"),
    "vllm": ("EngineCore", "has made no token for 5 s while a request waits for one"),
}


@pytest.fixture(
    scope="module",
    params=[pytest.param("llama", marks=pytest.mark.model), pytest.param("vllm", marks=pytest.mark.vllm)],
)
def replica(request, tmp_path_factory):
    """Return a ready replica's worker, its record, its model's spec and its home."""
    spec = request.getfixturevalue(f"{request.param}_spec")
    home = tmp_path_factory.mktemp("home")
    worker = Worker("serve", spec, "r1", str(home), command=[sys.executable, "-c", WORKER])
    try:
        yield worker, worker.stage("ready", "failed", timeout=600), spec, home
    finally:
        worker.close()


def test_stages_come_in_order_with_ready_last(replica):
    worker, record, _, _ = replica
    assert record["stage"] == "ready", record["reason"]
    stages = [record["stage"] for record in worker.records]
    assert stages == sorted(stages, key=ORDER.index)
    assert stages[-1] == "ready"
    assert all(record["port"] is None for record in worker.records[:-1])


def test_a_ready_replica_tells_the_context_that_its_server_has(replica):
    _, record, _, _ = replica
    assert record["context"] == 2048


def test_a_ready_replica_answers_who_has_the_key(replica):
    _, record, spec, _ = replica
    assert "Paris" in ask_for_capital(record, spec["id"])


def test_a_ready_replica_refuses_who_has_not(replica):
    _, record, spec, _ = replica
    body = {"model": spec["id"], "messages": [{"role": "user", "content": "Hello"}]}
    assert call(record, "/v1/chat/completions", body, key="wrong")[0] == 401
    assert call(record, "/v1/models", key="")[0] == 401


def test_the_key_is_in_no_command_line(replica):
    worker, record, _, _ = replica
    commands = list(worker.tree().values())
    assert len(commands) >= 3
    assert not [command for command in commands if record["key"] in command]


def test_the_record_lies_in_the_home_for_its_owner_alone(replica):
    _, record, _, home = replica
    file = home / "replicas" / "r1.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.with_suffix(".log").stat().st_mode) == 0o600
    assert json.loads(file.read_text())["key"] == record["key"]


def test_the_load_is_reported(replica):
    worker, record, spec, _ = replica
    ask_for_capital(record, spec["id"])
    tokens = worker.wait(lambda message: message["record"]["load"]["tokens"] > 5)
    assert tokens["record"]["stage"] == "ready"


def test_a_killed_server_is_started_again(replica):
    worker, record, spec, _ = replica
    for pid in worker.server_pids()[-1:]:
        os.kill(pid, signal.SIGKILL)
    down = worker.stage("loading", "failed")
    assert "starting it again" in down["reason"]
    assert down["port"] is None
    again = worker.stage("ready", "failed", timeout=600)
    assert again["stage"] == "ready", again["reason"]
    assert again["restarts"] == 1
    assert (again["port"], again["key"]) != (record["port"], record["key"])
    assert "Paris" in ask_for_capital(again, spec["id"])


def test_a_server_that_hangs_is_started_again(replica):
    worker, _, spec, _ = replica
    record = [each for each in worker.records if each["stage"] == "ready"][-1]
    name, fault = MAKERS[spec["backend"]]
    with story(record, spec["id"], tokens=1900):
        worker.wait(lambda message: message["record"]["load"]["running"])
        (maker,) = (pid for pid, line in descendants(worker.process.pid).items() if name in line)
        os.kill(maker, signal.SIGSTOP)
        worker.process.send_signal(signal.SIGUSR1)
        down = worker.stage("loading", "failed")
    assert f"{spec['backend']} {fault}; starting it again" in down["reason"]
    assert down["restarts"] == record["restarts"] + 1
    wait_for_end([maker])


def test_nothing_outlives_a_killed_worker(replica):
    worker, _, _, _ = replica
    wait_for(lambda: len(worker.tree()) >= 3)
    pids = worker.kill()
    assert worker.wait_for_nobody(pids) == {}
