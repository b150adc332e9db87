"""vLLM, run by its own OpenAI server module."""

from __future__ import annotations

import dataclasses
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from . import vllm_nodes
from .base import ALONE, Backend, Launch, Phase, Sign
from .vllm_sizes import attention_heads, sizes

if TYPE_CHECKING:
    from first_jupyter_remote.nodes import Place
    from first_jupyter_remote.probe import Address
    from first_jupyter_remote.protocol import ModelSpec

__all__ = ["Vllm"]

SERVER = Path(__file__).with_name("vllm_server.py")
SHARDS = re.compile(r"[Ll]oading .*checkpoint shards:\s+(\d+)%")
GRAPHS = re.compile(r"Capturing (?:CUDA|ACL|HPU)? ?[Gg]raphs?.*?:\s+(\d+)%")
PHASES = (
    ("Initializing a V1 LLM engine", Phase("starting the engine", 0.1)),
    ("Starting to load model", Phase("loading the weights", 0.3)),
    ("Loading weights took", Phase("the weights are loaded", 0.7)),
    ("Model loading took", Phase("the weights are loaded", 0.7)),
    ("Warming up model for the compilation", Phase("compiling", 0.75)),
    ("Dynamo bytecode transform", Phase("compiling", 0.75)),
    ("Compiling a graph", Phase("compiling", 0.75)),
    ("Available KV cache memory", Phase("preparing the cache", 0.8)),
    ("for KV cache", Phase("preparing the cache", 0.8)),
    ("KV cache size", Phase("preparing the cache", 0.8)),
    ("init engine", Phase("the engine is up", 0.9)),
    ("Starting vLLM ", Phase("opening the server", 0.95)),
)


class Vllm(Backend):
    """vLLM's OpenAI server. Without weights it takes the model's id as a name on the model hub."""

    name = "vllm"
    remedy = (
        "Install it with: pip install 'first-jupyter[vllm]', or set python to an interpreter that has it."
    )
    running = "vllm:num_requests_running"
    waiting = "vllm:num_requests_waiting"
    generated = "vllm:generation_tokens_total"
    prompted = "vllm:prompt_tokens_total"
    sleep, wake = "/v1/first/sleep", "/v1/first/wake"
    signs = (
        Sign(
            r"Invalid repository ID or local directory|Can't load the configuration|not a valid model id",
            "vLLM finds no model at {weights}. Correct weights.path, or the id if it comes from a hub.",
        ),
        Sign(
            r"outgoing traffic has been disabled|couldn't find them in the cached files",
            "{weights} is not in the Hugging Face cache, and the hub is out of reach from here. Download it "
            "where there is a network (hf download {weights}), name that cache as HF_HOME in env, or set "
            "weights.",
        ),
        Sign(
            r"Model architectures (\[.*?\]) (?:are not supported|failed to be inspected)",
            "this vLLM does not know the architecture {0} of {weights}. Upgrade vLLM.",
        ),
        Sign(
            r"model type `(.*?)` but Transformers does not recognize",
            "this vLLM does not know the architecture {0!r} of {weights}. Upgrade vLLM and transformers.",
        ),
        Sign(
            r"SafetensorError: (.*)",
            "the weights in {weights} are damaged or cut short ({0}). Delete them and fetch them anew.",
        ),
        Sign(
            r"larger than the available KV cache memory .*?(estimated maximum model length is \d+)",
            "not enough memory for one request of this context; the {0}. Lower context.",
        ),
        Sign(
            r"No available memory for the cache blocks|CUDA out of memory|OutOfMemoryError"
            r"|Cannot allocate memory|Free memory on device .* is less than",
            "not enough memory for {weights}. Take a node with more, a smaller model, or a lower context.",
        ),
        Sign(r"Address already in use", "the port was taken by another program", final=False),
        Sign(r"^vllm(?: serve)?: error: (.*)", "vLLM's args: {0}"),
        Sign(r"^\s*Value error, (.+)$", "vLLM refused its configuration: {0}"),
        Sign(r"Worker proc \S+ died unexpectedly", "one of vLLM's worker processes died", final=False),
        Sign(r"EngineDeadError|engine core exited unexpectedly", "vLLM's engine process died", final=False),
        Sign(
            r"^(?:\(.*?\) ERROR .*?\] )?([\w.]*(?:Error|Exception): .+)$", "vLLM ended with {0}", final=False
        ),
    )

    def launch(self, spec: ModelSpec, weights: Path | None, address: Address, place: Place = ALONE) -> Launch:
        """Return the command, for all nodes of the place; what ``args`` names is left as it is."""
        others = vllm_nodes.peers(spec.args, place)
        gpus = len(place.gpus) if spec.gpus is None else min(spec.gpus, len(place.gpus))
        spread = sizes(spec.args, gpus, 1 + len(others), attention_heads(weights))
        command = [spec.python or sys.executable, str(SERVER)]
        command += [str(weights or spec.id), "--served-model-name", spec.id]
        if spec.context:
            command += ["--max-model-len", str(spec.context)]
        if spec.parallel:
            command += ["--max-num-seqs", str(spec.parallel)]
        if spec.embeddings:
            command += ["--runner", "pooling"]
        if spec.sleep_after is not None:
            command += ["--enable-sleep-mode"]
        command += spread.argv
        env = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
        if weights:
            env["HF_HUB_OFFLINE"] = "1"
        here = ["--host", address.host, "--port", str(address.port), *spec.args]
        key = {"VLLM_API_KEY": address.key}
        if not others:
            return Launch([*command, *here], env | key, note=spread.note)
        joined = vllm_nodes.join(command, env, place, spec.args)
        return dataclasses.replace(joined, argv=[*joined.argv, *here], env=joined.env | key, note=spread.note)

    def phase(self, line: str) -> Phase | None:
        """Follow vLLM's own words, with a share that only ever tells the order of things."""
        if found := SHARDS.search(line):
            return Phase("loading the weights", round(0.3 + 0.004 * int(found[1]), 3))
        if found := GRAPHS.search(line):
            return Phase("capturing graphs", round(0.8 + 0.001 * int(found[1]), 3))
        return next((phase for words, phase in PHASES if words in line), None)
