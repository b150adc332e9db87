"""How long a replica lives: by its use, by a hold, and by its job, on the real llama.cpp server."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace

import pytest
from first_jupyter_remote import functions, job
from replica_worker import story

pytestmark = pytest.mark.model


def test_a_replica_that_is_held_outlives_its_idle_time(serve, llama_spec):
    worker = serve({**llama_spec, "idle_ttl": 1}, hold=6.0)
    ready = worker.stage("ready", "failed")
    assert ready["held_until"] == ready["expires"] == pytest.approx(ready["updated"] + 6, abs=2)
    last = worker.result()
    assert (last["stage"], last["reason"]) == ("stopped", "the time it was held for is over")
    assert last["updated"] >= ready["held_until"]


def test_a_ready_replica_is_held_from_now_on(serve, llama_spec, tmp_path):
    worker = serve({**llama_spec, "idle_ttl": 60})
    worker.stage("ready", "failed")
    before = time.time()
    assert functions.hold(str(tmp_path), "r1", 600)["stage"] == "ready"
    held = worker.wait(lambda message: message["record"]["held_until"])["record"]
    assert before + 599 < held["held_until"] == held["expires"] < time.time() + 601
    kept = json.loads((tmp_path / "replicas" / "r1.json").read_text())
    assert kept["held_until"] == held["held_until"]


def test_a_hold_that_came_before_the_replica_counts_from_when_it_is_ready(serve, llama_spec, tmp_path):
    assert functions.hold(str(tmp_path), "r1", 600)["stage"] == "queued"
    ready = serve(llama_spec, hold=30.0).stage("ready", "failed")
    assert ready["held_until"] == pytest.approx(ready["updated"] + 600, abs=5)


def test_orders_are_gone_when_the_replica_is(serve, llama_spec, tmp_path):
    worker = serve(llama_spec)
    worker.stage("ready")
    functions.hold(str(tmp_path), "r1", 600)
    functions.stop(str(tmp_path), "r1")
    assert worker.result()["reason"] == "somebody asked it to end"
    assert {path.suffix for path in (tmp_path / "replicas").iterdir()} == {".json", ".log"}


def test_a_replica_knows_its_job_and_when_that_ends(serve, llama_spec):
    ends = time.time() + 600
    worker = serve(llama_spec, env={"FIRST_JOB_ENDS": str(ends), "SLURM_JOB_ID": "4711"})
    begun = worker.stage("loading")
    assert (begun["job"], begun["job_ends"]) == ("4711", pytest.approx(ends))
    assert ends - 61 < begun["drain_at"] < ends


def test_without_a_job_no_drain_is_foretold(tmp_path, monkeypatch):
    monkeypatch.delenv("FIRST_JOB_ENDS", raising=False)
    spec = {"id": "a/b", "backend": "llama.cpp", "weights": {"path": str(tmp_path / "nothing")}}
    last = functions.serve(spec, "r1", str(tmp_path))
    assert (last["job_ends"], last["drain_at"]) == (None, None)


@pytest.fixture
def ending(monkeypatch):
    """Return the job that replicas run in; its time to drain comes when a test says so."""
    soon = SimpleNamespace(name="4711", ends=None, drain_at=float("inf"), answers_until=float("inf"))
    monkeypatch.setattr(job, "current", lambda environ, now: soon)
    return soon


def end_in(soon, seconds, answers):
    """Let the job end in so many seconds, and answers take no longer than so many."""
    now = time.time()
    soon.ends, soon.answers_until, soon.drain_at = now + seconds, now + answers, 0.0


def test_a_replica_ends_before_its_job_does(serve_here, llama_spec, ending):
    running = serve_here(llama_spec, hold=600.0)
    running.stage("ready", "failed")
    end_in(ending, 60, answers=30)
    last = running.end()
    assert (last["stage"], last["reason"]) == ("stopped", "its job's time was up")
    assert last["updated"] < ending.ends


def test_a_running_answer_is_finished_before_its_job_ends(serve_here, llama_spec, ending):
    running = serve_here(llama_spec)
    with story(running.stage("ready", "failed"), llama_spec["id"], tokens=200) as answer:
        end_in(ending, 600, answers=600)
        running.stage("draining")
        assert answer.read().rstrip().endswith(b"data: [DONE]")
    last = running.end()
    assert (last["stage"], last["reason"]) == ("stopped", "its job's time was up")


def test_an_answer_that_takes_too_long_is_cut_before_its_job_ends(serve_here, llama_spec, ending):
    running = serve_here({**llama_spec, "context": 50_000, "parallel": 1})
    with story(running.stage("ready", "failed"), llama_spec["id"], tokens=49_000):
        end_in(ending, 20, answers=2)
        last = running.end()
    assert (last["stage"], last["reason"]) == ("stopped", "its job's time was up")
    assert last["updated"] < ending.ends


def test_a_hurry_is_a_hurry_while_the_job_ends(serve_here, llama_spec, ending):
    running = serve_here({**llama_spec, "context": 50_000, "parallel": 1})
    with story(running.stage("ready", "failed"), llama_spec["id"], tokens=49_000):
        end_in(ending, 600, answers=600)
        running.stage("draining")
        running.stop.ask("its node agent was told to end (SIGTERM)", hurry=True)
        last = running.end()
    assert (last["stage"], last["reason"]) == ("stopped", "its job's time was up")
