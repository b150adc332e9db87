"""One vLLM over both nodes of a Slurm job: asked for through Globus Compute, joined there by ``srun``."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from cluster import connect, record, vllm_model
from jupyter_process import wait_until
from processes import command, wait_for_end

pytestmark = [pytest.mark.globus, pytest.mark.vllm]

# Of the backends for CPUs, only a compiled model's start makes the buffers that later pipeline stages need.
COMPILED = ["--compilation-config", '{"mode": 2, "backend": "eager"}']
SMALL = ["--max-num-batched-tokens", "64", "--kv-cache-memory-bytes", "134217728"]
THRIFTY = {"VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": "1"}
WIDE = {"nodes": 2, "context": 512, "args": [*COMPILED, *SMALL], "env": THRIFTY}


@pytest.fixture(scope="module")
def wide(lab, slurm, agent, client_id, tmp_path_factory):
    """Have a model hot on two nodes; yields its server, and the states and stages that it went through."""
    lab.have_cold()
    wait_until(lambda: not slurm.jobs(), 90, slurm.jobs)
    server = connect(agent, client_id, tmp_path_factory.mktemp("wide") / "lab", {**vllm_model(), **WIDE})
    seen = set()

    def is_hot():
        place = server.place()
        seen.add((place["state"], place["stage"]))
        assert place["state"] != "offline", place["reason"]
        return place["state"] == "hot"

    server.post("models/start", model="smollm2")
    wait_until(is_hot, 600, server.place)
    yield server, seen
    server.close()


def parts(slurm):
    """Return vLLM's processes on each node of the one job, as {pid: command line}."""
    (job,) = slurm.jobs()
    found = [{pid: command(pid) for pid in slurm.processes(job, node)} for node in slurm.nodes]
    return [{pid: line for pid, line in each.items() if "vllm" in line.lower()} for each in found]


def test_a_model_on_two_nodes_tells_its_stages_and_answers_from_both(wide):
    lab, seen = wide
    assert {("queued", "queued"), ("starting", "loading")} <= seen
    assert lab.ask()
    with lab.openai() as client:
        answer = client.completions.create(model="smollm2", prompt="One", max_tokens=1)
    assert "-pp2" in answer.system_fingerprint


def test_each_node_of_its_one_job_has_a_stage_of_the_model(wide, slurm):
    for number, found in enumerate(parts(slurm)):
        assert [line for line in found.values() if f"Worker_PP{number}" in line]
        assert not [line for line in found.values() if f"Worker_PP{1 - number}" in line]


def test_the_key_stays_on_the_node_that_answers(wide, slurm, agent):
    key = record(agent)["key"].encode()
    _, other = parts(slurm)
    assert other
    for pid in other:
        known = Path(f"/proc/{pid}/environ").read_bytes() + Path(f"/proc/{pid}/cmdline").read_bytes()
        assert key not in known


def test_the_log_tells_which_node_said_what(wide, slurm, agent):
    (log,) = agent.home.rglob(f"replicas/{record(agent)['replica']}.log")
    other = f"{slurm.nodes[1]}: "
    lines = [line for line in log.read_text().splitlines() if "Starting to load model" in line]
    stages = {line.startswith(other): line for line in lines}
    assert "Worker_PP0" in stages[False]
    assert "Worker_PP1" in stages[True]


def test_a_death_on_the_other_node_has_all_of_it_started_again(wide, slurm, agent):
    lab, _ = wide
    before, found = record(agent), parts(slurm)
    (stage,) = (pid for pid, line in found[1].items() if "Worker_PP1" in line)
    with lab.reading(max_tokens=400):
        os.kill(stage, signal.SIGKILL)
    wait_until(lambda: record(agent, before["replica"])["restarts"] == before["restarts"] + 1, 90)
    wait_for_end([*found[0], *found[1]])
    wait_until(lambda: all(parts(slurm)), 90)


def test_a_stop_gives_back_both_nodes_with_nothing_left_on_them(wide, slurm):
    lab, _ = wide
    found = parts(slurm)
    lab.have_cold()
    wait_until(lambda: slurm.run("sinfo", "-h", "-o", "%D%T") == "2idle", 90, slurm.jobs)
    wait_for_end([*found[0], *found[1]])
