"""A server that lives and does not work is ended and started again."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from first_jupyter_remote import agent, pulse, records
from programs import program

FAKE = Path(__file__).with_name("fake_server.py")


@pytest.fixture
def fake(tmp_path):
    """Return the folder and the model of a server that does what its folder says."""
    server = tmp_path / "server"
    server.mkdir()
    script = server / "python"
    script.write_text(f"#!{sys.executable}\n{FAKE.read_text()}")
    script.chmod(0o755)
    (server / "up").touch()
    (server / "metrics").write_text("llamacpp:requests_processing 0\nllamacpp:tokens_predicted_total 1\n")
    return server, {
        "id": "lab/fake",
        "backend": "llama.cpp",
        "python": str(script),
        "weights": {"path": str(FAKE)},
    }


@pytest.fixture
def wide(fake, tmp_path):
    """Return the same as vLLM on two nodes of a job: both are this machine, and ``srun`` is pretended."""
    server, spec = fake
    programs = tmp_path / "programs"
    program(programs, "scontrol", "printf 'n1\\nn2\\n'")
    path = program(programs, "srun", 'while [ "${1#--}" != "$1" ]; do shift; done; exec "$@"')
    job = {"SLURM_JOB_ID": "1", "SLURM_JOB_NUM_NODES": "2", "SLURM_JOB_NODELIST": "n[1-2]"}
    return server, {**spec, "backend": "vllm", "env": {**job, "SLURMD_NODENAME": "n1", **path}}


def test_a_server_that_makes_no_token_is_started_again(fake, serve_here, monkeypatch):
    monkeypatch.setattr(pulse, "STALL", 4.0)
    server, spec = fake
    running = serve_here(spec)
    assert running.stage("ready", "failed")["stage"] == "ready"
    (server / "metrics").write_text("llamacpp:requests_processing 2\nllamacpp:tokens_predicted_total 1\n")
    again = running.wait(lambda record: record["restarts"] == 1)
    assert "llama.cpp has made no token for 4 s while 2 requests wait for one" in again["reason"]


@pytest.mark.parametrize("embeddings", [False, True])
def test_a_server_that_is_at_work_is_left_alone(fake, serve_here, monkeypatch, embeddings):
    for module in (agent, records):
        monkeypatch.setattr(module, "LOAD_EVERY", 0.1)
    monkeypatch.setattr(pulse, "STALL", 4.0)
    server, spec = fake
    running = serve_here({**spec, "embeddings": embeddings})
    running.stage("ready")
    name = "prompt_tokens_total" if embeddings else "tokens_predicted_total"
    end, tokens = time.monotonic() + 1.5 * pulse.STALL, 1
    while time.monotonic() < end:
        tokens += 1
        (server / "metrics").write_text(f"llamacpp:requests_processing 1\nllamacpp:{name} {tokens}\n")
        running.wait(lambda record, tokens=tokens: record["load"]["tokens"] == tokens)
    assert running.records[-1]["restarts"] == 0


def test_a_load_that_never_comes_to_an_end_is_given_up(fake, serve_here, monkeypatch):
    monkeypatch.setattr(agent, "LOADING_LIMIT", 3.0)
    server, spec = fake
    (server / "up").unlink()
    again = serve_here(spec).wait(lambda record: record["restarts"] == 1)
    assert "llama.cpp has printed nothing for 0.05 min, and does not answer" in again["reason"]


def test_a_server_that_loses_its_part_on_another_node_is_started_again(wide, serve_here):
    server, spec = wide
    running = serve_here(spec)
    assert running.stage("ready", "failed")["stage"] == "ready"
    (server / "lost").touch()
    again = running.wait(lambda record: record["restarts"] == 1)
    assert "on n2: one of vLLM's worker processes died; starting it again" in again["reason"]
