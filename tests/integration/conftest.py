"""Real Jupyter servers with real models, seen from outside alone."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from importlib import resources

import pytest
import yaml
from campus import Campus
from jupyter_process import SMOLLM2, Jupyter, free_port


@pytest.fixture(scope="session")
def weights():
    """Say where the small model's weights come from, as the embedded federation does."""
    text = resources.files("first_jupyter_server").joinpath("embedded.yaml").read_text()
    return yaml.safe_load(text)["clusters"]["local"]["models"][0]["weights"]


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    """Return the folder that the federation file's paths lie in."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def federation(weights, model_folder):
    """Write a federation file with a model for every mishap."""
    folder = model_folder
    (folder / "not-weights.gguf").write_text("Moved to another file system.")
    never = folder / "never"
    never.write_text("#!/bin/sh\nexec sleep 600\n")
    never.chmod(0o755)
    gated = folder / "gated"
    gated.write_text(
        f'#!/bin/sh\nwhile [ ! -e "$0.open" ]; do sleep 0.1; done\nexec {shlex.quote(sys.executable)} "$@"\n'
    )
    gated.chmod(0o755)

    def model(name, args=(), **keys):
        # One thread: llama.cpp's threads wait for each other in a loop, which a busy machine punishes.
        common = {"backend": "llama.cpp", "weights": weights, "context": 2048}
        return {"id": name, **common, "args": ["--threads", "1", *args], **keys}

    models = [
        model(SMOLLM2, aliases=["smollm2"], parallel=4),
        model("lab/embedder", aliases=["embedder"], embeddings=True, context=512, args=["--pooling", "mean"]),
        model("lab/soon-idle", idle_ttl="3s"),
        model("lab/never-ready", python=str(never)),
        model("lab/gated", python=str(gated)),
        model("lab/missing", weights=str(folder / "missing.gguf")),
        model("lab/cut-short", weights=str(folder / "cut-short.gguf")),
        model("lab/not-weights", weights=str(folder / "not-weights.gguf")),
    ]
    return json.dumps({"clusters": {"local": {"kind": "local", "models": models}}})


@pytest.fixture(scope="session")
def lab(federation, tmp_path_factory):
    """Start the server that most tests share."""
    server = Jupyter(tmp_path_factory.mktemp("lab"), federation=federation)
    yield server
    server.close()


@pytest.fixture
def jupyter(tmp_path):
    """Return a function that starts a server for one test."""
    servers = []

    def start(*options, **keys):
        servers.append(Jupyter(tmp_path / f"jupyter-{len(servers)}", *options, **keys))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def small_disk(tmp_path):
    """Return a folder on a file system of 1 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False).returncode != 0:
        pytest.skip("only root can mount a small file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def campuses():
    """Start two servers without a model, which say each prompt again."""
    servers = [Campus(free_port()), Campus(free_port())]
    yield servers
    for server in servers:
        server.kill()


@pytest.fixture
def two_campuses(campuses):
    """Write a federation file with their model on two clusters."""
    return json.dumps({"clusters": {f"campus{at}": server.section for at, server in enumerate(campuses)}})
