"""What a server starts on other nodes of its job ends with it, also where ``srun`` would let it go on."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from jupyter_process import wait_until
from processes import command, running, wait_for_end

pytestmark = pytest.mark.globus

REMOTE = Path(__file__).parents[2] / "remote"
CREW = """
import os, time
from first_jupyter_remote import crew, nodes
from first_jupyter_remote.backends.base import Follower, Launch
from first_jupyter_remote.log import Log
sleep, here = ["sleep", "600"], nodes.place(os.environ)
parts = tuple(Follower(each.host, each.launcher, here.host, sleep) for each in here.peers)
crew.Crew(Launch(sleep, {}, parts), os.environ, {}, log=Log(), on_line=print, wake=lambda: None)
time.sleep(600)
"""


@pytest.fixture
def job(slurm, tmp_path):
    """Have a job on two nodes with a crew, which it outlives; files tell the crew's pid and what was said."""
    (tmp_path / "said").touch()
    crew = shlex.join([sys.executable, "-c", CREW])
    script = f"PYTHONPATH={REMOTE} {crew} & echo $! >{tmp_path}/pid; wait; exec sleep 600"
    job = slurm.run("sbatch", "--parsable", "--nodes=2", f"--output={tmp_path}/said", "--wrap", script)
    yield job
    slurm.cancel(job)
    wait_until(lambda: job not in slurm.jobs(), 90, slurm.jobs)


def sleepers(slurm, job):
    return [pid for pid in slurm.processes(job, slurm.nodes[1]) if command(pid).strip() == "sleep 600"]


def test_a_part_on_another_node_ends_with_a_node_agent_that_is_killed(slurm, job, tmp_path):
    parts = wait_until(
        lambda: sleepers(slurm, job), 90, lambda: (slurm.jobs(), (tmp_path / "said").read_text())
    )
    # An srun that is asked to end takes its step along; one that is killed does not.
    for pid in (*running("srun", f"--nodelist={slurm.nodes[1]}"), int((tmp_path / "pid").read_text())):
        with suppress(ProcessLookupError):  # some take others along
            os.kill(pid, signal.SIGKILL)
    wait_for_end(parts)
    assert slurm.jobs()[job] == "RUNNING"
