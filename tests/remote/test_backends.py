"""What is read out of the servers' logs and metrics; the lines are theirs."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from first_jupyter_remote.backends import Backend, LaunchError, backend
from first_jupyter_remote.backends.base import parse_metrics
from first_jupyter_remote.probe import Address
from first_jupyter_remote.protocol import Load, ModelSpec

HERE = Address("127.0.0.1", 8000, "secret")
WEIGHTS = Path("/w/m.gguf")
LLAMA_METRICS = """
llamacpp:requests_processing 2
llamacpp:requests_deferred 1
llamacpp:tokens_predicted_total 77
"""
VLLM_METRICS = """
vllm:num_requests_running{engine="0",model_name="a/b"} 8.0
vllm:num_requests_waiting{engine="0",model_name="a/b"} 4.0
vllm:generation_tokens_total{engine="0",model_name="a/b"} 120.0
"""
LAST_WORDS = Path(__file__).with_name("last_words.toml")


def test_an_unknown_backend_is_told_the_known_ones():
    with pytest.raises(LaunchError, match=r"no backend 'olama'; known are: llama.cpp, vllm"):
        backend("olama")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        ("# HELP a A\n# TYPE a gauge\na 1\n", {"a": 1}),
        ('a:b{x="1",y="}"} 2\na:b{x="2"} 3.5', {"a:b": 5.5}),
        ("a 1.5e+03 1700000000\nb +Inf\nc nonsense\n", {"a": 1500, "b": float("inf")}),
    ],
)
def test_metrics_are_added_up_over_their_labels(text, values):
    assert parse_metrics(text) == values


@pytest.mark.parametrize(
    ("name", "text", "load"),
    [
        ("llama.cpp", LLAMA_METRICS, Load(2, 1, 77)),
        ("vllm", VLLM_METRICS, Load(8, 4, 120)),
        ("vllm", "", Load()),
    ],
)
def test_the_load_is_read_from_metrics(name, text, load):
    assert backend(name).load(text) == load


def test_a_server_for_embeddings_counts_the_tokens_it_read():
    text = "llamacpp:prompt_tokens_total 9\nllamacpp:tokens_predicted_total 0\n"
    assert backend("llama.cpp").load(text, embeddings=True) == Load(tokens=9)


@pytest.mark.parametrize(
    ("name", "line", "reason", "progress"),
    [
        (
            "llama.cpp",
            "0.00.008.207 I srv load_model: loading model '/w/m.gguf'",
            "loading the weights",
            None,
        ),
        (
            "llama.cpp",
            "I cmn          init: llama threadpool init, n_threads = 2",
            "preparing the context",
            0.9,
        ),
        (
            "vllm",
            "INFO [core.py:133] Initializing a V1 LLM engine (v0.32.0) with",
            "starting the engine",
            0.1,
        ),
        ("vllm", "(Worker) INFO [x.py:68] Starting to load model /w...", "loading the weights", 0.3),
        ("vllm", "Loading safetensors checkpoint shards:  50% Completed | 15/30", "loading the weights", 0.5),
        ("vllm", "INFO [cpu_model_runner.py:87] Warming up model for the compilation...", "compiling", 0.75),
        (
            "vllm",
            "INFO [entry.py:140] Starting vLLM server on http://127.0.0.1:80",
            "opening the server",
            0.95,
        ),
        ("vllm", "Capturing CUDA graphs (decode, FULL):  40%|####  | 2/5", "capturing graphs", 0.84),
        (
            "vllm",
            "Explicitly set (0.12/8.34) GiB for KV cache",
            "preparing the cache",
            0.8,
        ),
    ],
)
def test_a_log_line_tells_the_phase(name, line, reason, progress):
    phase = backend(name).phase(line)
    assert (phase.reason, phase.progress) == (reason, progress)


@pytest.mark.parametrize("name", ["llama.cpp", "vllm"])
def test_most_log_lines_tell_nothing(name):
    assert backend(name).phase("127.0.0.1 - GET /v1/models HTTP/1.1 200 OK") is None


@pytest.mark.parametrize("end", tomllib.loads(LAST_WORDS.read_text())["ends"], ids=lambda end: end["says"])
def test_the_log_s_end_tells_the_cause(end):
    cause = backend(end["backend"]).explain(end["log"].splitlines(), end["code"], WEIGHTS)
    assert end["says"] in cause.reason
    assert cause.final is end["final"]


@pytest.mark.parametrize(
    ("name", "listed", "context"),
    [
        ("vllm", {"id": "a/b", "max_model_len": 4096}, 4096),
        ("llama.cpp", {"id": "a/b", "meta": {"n_ctx": 1024, "n_ctx_train": 8192}}, 1024),
        ("llama.cpp", {"id": "a/b", "meta": {"n_ctx_train": 8192}}, 8192),
        ("llama.cpp", {"id": "a/b", "meta": None}, None),
        ("vllm", {"id": "a/b", "max_model_len": "many"}, None),
    ],
)
def test_the_context_is_what_the_server_states(name, listed, context):
    assert backend(name).context(listed) == context


@pytest.mark.parametrize("name", ["llama.cpp", "vllm"])
def test_the_key_goes_into_the_environment_alone(name):
    launch = backend(name).launch(ModelSpec("a/b", name, args=("--x", "1")), WEIGHTS, HERE)
    assert "secret" in launch.env.values()
    assert "secret" not in launch.argv
    assert launch.argv[-2:] == ["--x", "1"]


def test_a_backend_that_cannot_launch_is_none():
    with pytest.raises(TypeError, match="launch"):
        type("Nothing", (Backend,), {})()


@pytest.mark.parametrize(
    ("fields", "context"), [({}, "2048"), ({"parallel": 2}, "4096"), ({"context": 512, "parallel": 8}, "512")]
)
def test_llama_cpp_s_context_is_that_of_each_request(fields, context):
    argv = backend("llama.cpp").launch(ModelSpec("a/b", "llama.cpp", **fields), WEIGHTS, HERE).argv
    assert argv[argv.index("--context") + 1] == context


@pytest.mark.parametrize(("weights", "model", "offline"), [(Path("/w"), "/w", "1"), (None, "a/b", None)])
def test_vllm_goes_to_a_hub_only_without_weights(weights, model, offline):
    launch = backend("vllm").launch(ModelSpec("a/b", "vllm"), weights, HERE)
    assert launch.argv[launch.argv.index("--served-model-name") - 1] == model
    assert launch.env.get("HF_HUB_OFFLINE") == offline
