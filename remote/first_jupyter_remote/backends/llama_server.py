"""The process that serves one GGUF file over HTTP with llama.cpp's own server, from the xllamacpp wheel.

It is run by its path, by an interpreter that may hold nothing but xllamacpp, so it imports nothing else.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys

KEY_VARIABLE = "FIRST_REPLICA_KEY"


def threads() -> int:
    """Return half the cores that this process may use, which a batch job often limits.

    All threads wait for the slowest at each step: on a busy machine a thread for each core is many times
    slower than half as many, and on an idle one it is hardly faster.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // 2)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--name", required=True, help="the model's id in requests")
    parser.add_argument("--context", type=int, default=2048, help="tokens for each request")
    parser.add_argument("--parallel", type=int, default=4, help="requests served at once")
    parser.add_argument("--threads", type=int, default=threads())
    parser.add_argument("--gpu-layers", type=int, default=0)
    parser.add_argument("--embeddings", action="store_true")
    parser.add_argument("--pooling", choices=("mean", "cls", "last"), help="the model's own where not given")
    return parser.parse_args()


def main() -> None:
    """Serve until SIGTERM."""
    given = arguments()
    key = os.environ.pop(KEY_VARIABLE, "")
    if not key:
        sys.exit(f"llama_server: set {KEY_VARIABLE} to the API key that it shall ask for")

    import xllamacpp  # noqa: PLC0415  (slow to import, and bad arguments shall fail fast)

    params = xllamacpp.CommonParams()
    params.model.path = given.weights
    params.model_alias = {given.name}
    params.hostnames = [given.host]
    params.port = given.port
    params.api_keys = [key]
    params.n_parallel = given.parallel
    params.n_ctx = given.context * given.parallel
    params.kv_unified = False
    params.cpuparams.n_threads = given.threads
    params.cpuparams_batch.n_threads = given.threads
    params.n_gpu_layers = given.gpu_layers
    params.embedding = given.embeddings
    if given.pooling:
        kind = f"LLAMA_POOLING_TYPE_{given.pooling.upper()}"
        params.pooling_type = xllamacpp.llama_pooling_type[kind]
    params.endpoint_metrics = True
    params.endpoint_slots = False
    params.ui = False
    params.fit_params = False

    server = xllamacpp.Server(params)
    print("listening on", server.listening_address, flush=True)  # noqa: T201
    signal.pause()


if __name__ == "__main__":
    main()
