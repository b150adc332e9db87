"""Which GPUs a job was given, and who of several models gets which."""

from __future__ import annotations

import pytest
from first_jupyter_remote import devices
from programs import program

LISTING = """GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-1)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-2)
"""


@pytest.mark.parametrize(
    ("env", "gpus"),
    [
        ({"CUDA_VISIBLE_DEVICES": "0,1,2,3"}, ("0", "1", "2", "3")),
        ({"CUDA_VISIBLE_DEVICES": "GPU-1a, MIG-2b"}, ("GPU-1a", "MIG-2b")),
        ({"ROCR_VISIBLE_DEVICES": "4,5"}, ("4", "5")),
        ({"ZE_AFFINITY_MASK": "0.0,0.1"}, ("0.0", "0.1")),
        ({"SLURM_JOB_GPUS": "2,3"}, ("2", "3")),
        ({"SLURM_GPUS_ON_NODE": "2"}, ("0", "1")),
        ({"SLURM_GPUS_ON_NODE": "gpu:a100:2(S:0-1)"}, ("0", "1")),
        ({"CUDA_VISIBLE_DEVICES": "1", "SLURM_JOB_GPUS": "0,1"}, ("1",)),
        ({"CUDA_VISIBLE_DEVICES": "", "SLURM_GPUS_ON_NODE": "4"}, ()),
        ({"CUDA_VISIBLE_DEVICES": "NoDevFiles"}, ()),
        ({"CUDA_VISIBLE_DEVICES": "0,-1,1"}, ("0",)),
        ({"SLURM_GPUS_ON_NODE": "none"}, ()),
        ({}, ()),
    ],
)
def test_the_job_s_variables_tell_its_gpus(env, gpus):
    assert devices.allocated({"PATH": "", **env}) == gpus


@pytest.mark.parametrize(("script", "gpus"), [(f"echo '{LISTING}'", ("0", "1")), ("exit 9", ())])
def test_without_them_nvidia_s_tool_lists_what_the_node_has(tmp_path, script, gpus):
    assert devices.allocated(program(tmp_path, "nvidia-smi", script)) == gpus


@pytest.mark.parametrize(
    ("env", "added"),
    [
        ({}, {"CUDA_VISIBLE_DEVICES": "2,3"}),
        ({"SLURM_JOB_GPUS": "0,1,2,3"}, {"CUDA_VISIBLE_DEVICES": "2,3"}),
        ({"ROCR_VISIBLE_DEVICES": "0,1,2,3"}, {"ROCR_VISIBLE_DEVICES": "2,3"}),
        ({"ZE_AFFINITY_MASK": "0,1,2,3"}, {"ZE_AFFINITY_MASK": "2,3"}),
    ],
)
def test_a_share_is_told_by_the_site_s_own_variable(env, added):
    assert devices.only(env, ("2", "3")) == added
    assert devices.allocated(added) == ("2", "3")


@pytest.mark.parametrize(
    ("count", "wanted", "sizes"),
    [
        (4, [None, None], [2, 2]),
        (4, [1, None], [1, 3]),
        (4, [3, 1], [3, 1]),
        (5, [None, None], [3, 2]),
        (4, [1, 1], [1, 1]),
        (0, [None, 2], [0, 0]),
        (2, [2, 0], [2, 0]),
    ],
)
def test_gpus_are_divided_and_none_is_given_twice(count, wanted, sizes):
    shares = devices.shares([str(number) for number in range(count)], wanted)
    assert [len(share) for share in shares] == sizes
    assert len(set().union(*shares)) == sum(sizes)


@pytest.mark.parametrize("wanted", [[3, 2], [4, None], [None] * 5])
def test_more_than_there_are_cannot_be_divided(wanted):
    with pytest.raises(ValueError, match=r"need at least 5 GPUs and this node has 4: lower their gpus"):
        devices.shares(["0", "1", "2", "3"], wanted)
