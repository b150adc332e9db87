"""llama.cpp, run by ``llama_server.py``: small, quick to start, at home on a laptop."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .base import ALONE, Backend, Launch, LaunchError, Phase, Sign
from .llama_server import KEY_VARIABLE

if TYPE_CHECKING:
    from first_jupyter_remote.nodes import Place
    from first_jupyter_remote.probe import Address
    from first_jupyter_remote.protocol import ModelSpec

__all__ = ["LlamaCpp"]

SERVER = Path(__file__).with_name("llama_server.py")
PARALLEL = 4
CONTEXT = 8192


class LlamaCpp(Backend):
    """llama.cpp's server from the xllamacpp wheel, for one GGUF file."""

    name = "llama.cpp"
    remedy = "Install it with: pip install 'first-jupyter[local]'"
    running = "llamacpp:requests_processing"
    waiting = "llamacpp:requests_deferred"
    generated = "llamacpp:tokens_predicted_total"
    prompted = "llamacpp:prompt_tokens_total"
    signs = (
        Sign(
            r"failed to open GGUF file '(.*)' \((.*)\)",
            "the weights {0} cannot be read: {1}. Correct weights.path, or fetch them anew.",
        ),
        Sign(
            r"invalid magic characters|failed to read (?:key-value pairs|tensor)|not within the file bounds",
            "the weights {weights} are damaged or cut short. Delete the file and fetch it anew.",
        ),
        Sign(
            r"unknown model architecture: '(.*)'",
            "this llama.cpp does not know the architecture {0!r} of {weights}. Upgrade xllamacpp.",
        ),
        Sign(
            r"(?:insufficient memory|failed to allocate|unable to allocate|out of memory|bad_alloc)",
            "not enough memory for {weights} with this context and parallel. "
            "Lower one of them, or take a smaller model.",
        ),
        Sign(
            r"couldn't bind HTTP server socket.* port: (\d+)",
            "port {0} was taken by another program",
            final=False,
        ),
        Sign(
            r"error: ((?:unrecognized arguments|argument|the following arguments).*)", "llama.cpp's args: {0}"
        ),
    )

    def launch(self, spec: ModelSpec, weights: Path | None, address: Address, place: Place = ALONE) -> Launch:
        """Return the command, for this node alone; the context counts for each of the parallel requests."""
        if weights is None:
            raise LaunchError(f"{spec.id} needs weights: set weights.path to a GGUF file, or weights.package")
        if weights.is_dir():
            raise LaunchError(f"{spec.id}: weights.path must name a GGUF file, and {weights} is a folder")
        parallel = spec.parallel or PARALLEL
        argv = [spec.python or sys.executable, str(SERVER), str(weights)]
        argv += ["--host", address.host, "--port", str(address.port), "--name", spec.id]
        argv += ["--parallel", str(parallel), "--context", str(spec.context or CONTEXT // parallel)]
        if spec.embeddings:
            argv.append("--embeddings")
        return Launch([*argv, *spec.args], {KEY_VARIABLE: address.key})

    def phase(self, line: str) -> Phase | None:
        """Tell reading the file from making room for the context."""
        if "loading model" in line:
            return Phase("loading the weights")
        if "threadpool init" in line or "initializing, n_slots" in line:
            return Phase("preparing the context", 0.9)
        return None
