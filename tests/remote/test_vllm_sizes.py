"""Over how many GPUs and nodes vLLM spreads a model."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from first_jupyter_remote.backends import backend
from first_jupyter_remote.backends.vllm_sizes import attention_heads, sizes
from first_jupyter_remote.nodes import Peer, Place
from first_jupyter_remote.probe import Address
from first_jupyter_remote.protocol import ModelSpec

HERE = Address("127.0.0.1", 8000, "secret")
FOUR = ("0", "1", "2", "3")
TWO_NODES = Place(FOUR, "n1", "10.0.0.1", (Peer("n2", ("srun", "--nodelist=n2"), "10.0.0.2"),))


@pytest.mark.parametrize(
    ("args", "gpus", "nodes", "argv"),
    [
        ([], 0, 1, ""),
        ([], 1, 1, ""),
        ([], 4, 1, "--tensor-parallel-size 4"),
        ([], 4, 2, "--tensor-parallel-size 4 --pipeline-parallel-size 2"),
        ([], 1, 2, "--pipeline-parallel-size 2"),
        ([], 0, 2, "--pipeline-parallel-size 2"),
        (["-tp", "2"], 4, 2, "--pipeline-parallel-size 2"),
        (["--tensor-parallel-size=2"], 4, 1, ""),
        (["--tensor_parallel_size", "2"], 4, 1, ""),
        (["--pipeline-parallel-size", "8"], 4, 2, "--tensor-parallel-size 4"),
        (["-pp=8", "-tp=1"], 4, 2, ""),
        (["--max-num-seqs", "2"], 2, 1, "--tensor-parallel-size 2"),
    ],
)
def test_a_model_takes_all_gpus_of_a_node_and_all_nodes_unless_told_otherwise(args, gpus, nodes, argv):
    assert " ".join(sizes(args, gpus, nodes, heads=64).argv) == argv


@pytest.mark.parametrize(
    ("gpus", "heads", "taken"), [(4, 9, 3), (6, 32, 4), (12, 40, 10), (8, 7, 7), (2, 9, None)]
)
def test_heads_that_do_not_spread_evenly_take_fewer_gpus_and_say_so(gpus, heads, taken):
    found = sizes([], gpus, 1, heads)
    assert found.argv == (("--tensor-parallel-size", str(taken)) if taken else ())
    assert found.note == (
        f"taking {taken or 1} of {gpus} GPUs: {heads} attention heads do not spread evenly over more"
    )


@pytest.mark.parametrize(
    ("config", "heads"),
    [
        ('{"num_attention_heads": 9}', 9),
        ('{"text_config": {"num_attention_heads": 32}}', 32),
        ("{}", None),
        ('{"num_attention_heads": "many"}', None),
        ("[]", None),
        ("not JSON", None),
    ],
)
def test_the_heads_are_read_where_the_weights_are_a_folder(tmp_path, config, heads):
    (tmp_path / "config.json").write_text(config)
    assert attention_heads(tmp_path) == heads


@pytest.mark.parametrize("weights", [None, Path("/no/folder")])
def test_heads_of_a_model_that_is_not_here_yet_are_unknown(weights):
    assert attention_heads(weights) is None


@pytest.mark.parametrize(("wanted", "size"), [(None, "4"), (2, "2"), (8, "4")])
def test_a_model_takes_no_more_gpus_than_it_is_to_have_and_than_there_are(wanted, size):
    argv = backend("vllm").launch(ModelSpec("a/b", "vllm", gpus=wanted), None, HERE, Place(FOUR)).argv
    assert argv[argv.index("--tensor-parallel-size") + 1] == size


def test_the_launch_says_what_it_chose(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"num_attention_heads": 9}))
    launch = backend("vllm").launch(ModelSpec("a/b", "vllm"), tmp_path, HERE, Place(FOUR))
    assert launch.note.startswith("taking 3 of 4 GPUs")


def test_on_several_nodes_each_has_its_rank_and_only_the_first_one_answers():
    launch = backend("vllm").launch(ModelSpec("a/b", "vllm", args=("--x",)), None, HERE, TWO_NODES)
    (follower,) = launch.followers
    for argv, rank in ((launch.argv, "0"), (follower.argv, "1")):
        given = dict(itertools.pairwise(argv))
        assert (given["--nnodes"], given["--node-rank"], given["--master-addr"]) == ("2", rank, "n1")
        assert given["--distributed-executor-backend"] == "mp"
        assert "--x" in argv
    assert (follower.launcher, follower.lead) == (("srun", "--nodelist=n2"), "n1")
    assert "--headless" in follower.argv
    assert not {"--headless"} & set(launch.argv)
    assert "--port" in launch.argv
    assert "--port" not in follower.argv


def test_each_node_is_told_its_own_address_and_the_first_alone_the_key():
    launch = backend("vllm").launch(ModelSpec("a/b", "vllm"), None, HERE, TWO_NODES)
    (follower,) = launch.followers
    assert (launch.env["VLLM_HOST_IP"], follower.env["VLLM_HOST_IP"]) == ("10.0.0.1", "10.0.0.2")
    assert "secret" in launch.env.values()
    assert "secret" not in {*follower.env.values(), *follower.argv}


@pytest.mark.parametrize("name", ["vllm", "llama.cpp"])
def test_what_takes_one_node_leaves_the_others_alone(name):
    spec = ModelSpec("a/b", name, args=("--nnodes=1",))
    assert backend(name).launch(spec, Path("/w.gguf"), HERE, TWO_NODES).followers == ()
