"""The unmodified SDK against the stand-in, the true agent and a true Slurm: what all the rest stands on."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from endpoint import standin_environment
from routes import Fault
from services import wait_for

pytestmark = pytest.mark.globus

ASK = """
import json, sys
from globus_compute_sdk import Executor

def where(factor):
    import os
    return factor * 7, os.environ.get("SLURM_JOB_ID"), os.environ.get("CUDA_VISIBLE_DEVICES")

with Executor(sys.argv[1], user_endpoint_config=json.loads(sys.argv[2])) as executor:
    print(json.dumps(executor.submit(where, 6).result(timeout=120)))
"""

LEAVE = """
import sys, time
from first_jupyter_server.clusters.globus_executor import _let_go
from globus_compute_sdk import Executor

def linger():
    import time
    time.sleep(90)

executor = Executor(sys.argv[1], user_endpoint_config={"role": "control"})
executor.submit(linger)
time.sleep(0.5)
_let_go(executor)
time.sleep(4)
"""


@pytest.fixture(scope="module")
def ask(compute, agent, client_id, tmp_path_factory):
    """Return a function that runs a task through the SDK's Executor and returns its result."""
    environment = {**os.environ, **standin_environment(compute, client_id, tmp_path_factory.mktemp("sdk"))}

    def run(**config):
        command = [sys.executable, "-c", ASK, agent.id, json.dumps(config)]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=240
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="module")
def answer(ask):
    """Return what a task said in a job with two GPUs."""
    return ask(role="serve", gpus=2)


def test_a_task_runs_on_the_login_node(ask):
    assert ask(role="control") == [42, None, None]


def test_a_task_runs_in_a_slurm_job_with_its_gpus(answer):
    result, job, gpus = answer
    assert (result, gpus) == (42, "0,1")
    assert job


def test_the_block_is_given_back_when_its_task_has_ended(answer, slurm):
    _, job, _ = answer
    wait_for(lambda: job not in slurm.jobs(), 90, slurm.log)


def test_a_process_that_leaves_while_it_submits_does_not_wait_for_the_task(
    compute, agent, client_id, tmp_path
):
    compute.web.faults.append(Fault("POST .*/submit", delay=2))
    environment = {**os.environ, **standin_environment(compute, client_id, tmp_path)}
    command = [sys.executable, "-c", LEAVE, agent.id]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=45)
    assert done.returncode == 0, done.stderr
    assert any(call.line.endswith("/submit") for call in compute.web.calls)
