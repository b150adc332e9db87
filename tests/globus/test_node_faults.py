"""What befalls a replica's node, its job and its endpoint, and what its user sees of it."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from cluster import orders, record
from jupyter_process import wait_until
from processes import running

pytestmark = [pytest.mark.globus, pytest.mark.model]

LLAMA = "llama_server"


def test_a_killed_inference_server_is_started_again_in_its_job(lab, slurm, agent):
    lab.have_hot()
    jobs, before = slurm.jobs(), record(agent)
    with lab.reading():
        for pid in running(LLAMA, f"--port {before['port']} "):
            os.kill(pid, signal.SIGKILL)
    assert lab.ask()
    assert record(agent)["restarts"] == before["restarts"] + 1
    assert slurm.jobs() == jobs


def test_a_killed_node_agent_takes_its_server_along_and_says_so(lab, slurm, agent):
    lab.have_hot()
    before = record(agent)
    with lab.reading():
        os.kill(before["pid"], signal.SIGKILL)
    place = wait_until(lambda: (at := lab.place())["state"] in {"offline", "cold"} and at, 90)
    assert "start it again" in place["reason"]
    wait_until(lambda: not running(LLAMA, f"--port {before['port']} "), 60)
    assert lab.have_hot()["state"] == "hot"


def test_a_request_whose_job_is_cancelled_while_it_waits_is_answered_from_another_job(
    serve, slurm, agent, tmp_path
):
    gated, gate = tmp_path / "gated", tmp_path / "gate"
    python = shlex.quote(sys.executable)
    gated.write_text(f'#!/bin/sh\nwhile [ ! -e {gate} ]; do sleep 0.1; done\nexec {python} "$@"\n')
    gated.chmod(0o755)
    lab = serve(agent, model={"python": str(gated)})
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(lab.ask)
        try:
            (cancelled,) = wait_until(lambda: starting(lab), 120, lab.place)
            slurm.cancel(cancelled)
            wait_until(lambda: starting(lab) - {cancelled}, 120, lab.place)
            assert "started again: its node agent was told to end" in lab.place()["reason"]
        finally:
            gate.touch()
        assert answer.result(120)
    lab.have_cold()


def starting(lab):
    """Return the jobs in which replicas are starting."""
    return {lease["job"] for lease in lab.place()["leases"] if lease["stage"] == "loading"}


def test_a_login_node_that_crashed_serves_again_when_its_agent_does(lab, slurm, agent):
    lab.have_hot()
    with lab.reading():
        agent.kill()
        # Without its user endpoint a job ends by itself.
        wait_until(lambda: not slurm.jobs(), 120, slurm.jobs)
    wait_until(lambda: not agent.is_online(), 120)
    agent.start()
    assert lab.ask()


def test_a_setting_that_the_endpoint_refuses_is_named(serve, agent):
    reason = serve(agent, user_endpoint_config={"walltime": 100_000}).start_and_fail()
    assert "refused" in reason
    assert "100000 is greater than the maximum" in reason


def test_a_server_that_comes_back_finds_a_replica_that_still_waits(
    serve, agent, idle_slurm, compute, tmp_path
):
    with idle_slurm.full():
        first = serve(agent, data=tmp_path / "data", look=3.0)
        first.post("models/start", model="smollm2")
        place = wait_until(lambda: (at := first.place())["state"] == "queued" and at["leases"] and at, 60)
        wait_until(lambda: "waiting for a node: job " in first.place()["reason"], 120, first.place)
        first.close()
        before = len(compute.payloads)
        second = serve(agent, data=tmp_path / "data")
        assert second.until("queued", seconds=60)["leases"][0]["replica"] == place["leases"][0]["replica"]
    assert second.until("hot", seconds=180)["replicas"] == 1
    assert not orders(compute, "serve", since=before)
    second.have_cold()
