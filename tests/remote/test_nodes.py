"""Which nodes a job was given, and how a command gets to the others."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from first_jupyter_remote import nodes
from programs import program

SLURM = {
    "SLURM_JOB_ID": "1",
    "SLURM_JOB_NUM_NODES": "3",
    "SLURM_JOB_NODELIST": "n[1-3]",
    "SLURMD_NODENAME": "n2",
}
HOSTNAMES = '[ "$*" = "show hostnames n[1-3]" ] && printf "n1\\nn2\\nn3\\n"'
HERE = socket.gethostname()


@pytest.fixture
def slurm(tmp_path):
    return {**program(tmp_path, "scontrol", HOSTNAMES), **SLURM}


@pytest.fixture
def pbs(tmp_path):
    """Return a PBS job's environment on this node and another, with two chunks on each."""
    file = tmp_path / "nodefile"
    file.write_text(f"x9.lab\nx9.lab\n{HERE}.lab\n{HERE}.lab\n")
    return {"PATH": "", "PBS_JOBID": "1", "PBS_NODEFILE": str(file)}


def test_slurm_names_a_job_s_nodes_and_this_one_comes_first(slurm):
    assert nodes.hosts(slurm) == ("n2", "n1", "n3")


def test_pbs_names_a_job_s_nodes_once_and_this_one_comes_first(pbs):
    assert nodes.hosts(pbs) == (f"{HERE}.lab", "x9.lab")


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"SLURM_JOB_ID": "1", "SLURM_JOB_NUM_NODES": "1", "SLURM_JOB_NODELIST": "n[1-3]"},
        {**SLURM, "SLURM_STEP_NUM_TASKS": "3"},
        {**SLURM, "PMI_SIZE": "2"},
        {**SLURM, "FIRST_NODES": "1"},
    ],
    ids=["no job", "one node", "one of several tasks", "one of several MPI tasks", "one node wished"],
)
def test_others_nodes_are_nobody_s_business_here(env):
    assert nodes.hosts({"PATH": "", **env}) == (env.get("SLURMD_NODENAME", HERE),)


def test_a_replica_may_take_fewer_nodes_than_its_job_has(slurm):
    assert nodes.hosts({**slurm, "FIRST_NODES": "2"}) == ("n2", "n1")


@pytest.mark.parametrize(
    ("env", "problem"),
    [
        ({**SLURM, "PATH": ""}, "scontrol show hostnames"),
        ({"PATH": "", "PBS_NODEFILE": "/no/file"}, "/no/file: No such file"),
    ],
)
def test_nodes_that_cannot_be_told_are_an_error_with_the_remedy(env, problem):
    with pytest.raises(nodes.NodesError, match=rf"{problem}.*; set FIRST_NODES=1"):
        nodes.hosts(env)


def test_a_node_that_its_job_does_not_know_is_an_error(slurm):
    with pytest.raises(nodes.NodesError, match="calls itself n9, and the job's nodes are n1, n2, n3"):
        nodes.hosts({**slurm, "SLURMD_NODENAME": "n9"})


def test_slurm_starts_one_task_on_the_other_node_beside_what_runs_there(slurm):
    srun, *options = nodes.launcher(slurm, "n3")
    assert srun == "srun"
    assert {"--overlap", "--nodes=1", "--ntasks=1", "--nodelist=n3"} <= set(options)


def test_pbs_s_nodes_are_reached_with_a_file_of_hosts(pbs):
    *command, file = nodes.launcher(pbs, "x9.lab")
    assert command == ["mpiexec", "-n", "1", "--hostfile"]
    assert Path(file).read_text().split() == ["x9.lab"]


def test_a_place_on_one_node_has_no_peers():
    assert nodes.place({"PATH": "", "CUDA_VISIBLE_DEVICES": "0,1"}) == nodes.Place(("0", "1"))


def test_a_place_on_several_nodes_knows_the_way_to_each(slurm):
    place = nodes.place({**slurm, "CUDA_VISIBLE_DEVICES": ""})
    assert [peer.host for peer in place.peers] == ["n1", "n3"]
    assert all(f"--nodelist={peer.host}" in peer.launcher for peer in place.peers)
    assert place.host
