"""One Jupyter server with the true Jupyter AI and the real small model."""

from __future__ import annotations

import json
from importlib import resources

import ai_env
import pytest
import yaml
from jupyter_process import SMOLLM2, Jupyter


@pytest.fixture(scope="session")
def federation():
    """Write a federation file with two models, and one that cannot start."""
    text = resources.files("first_jupyter_server").joinpath("embedded.yaml").read_text()
    weights = yaml.safe_load(text)["clusters"]["local"]["models"][0]["weights"]
    common = {"backend": "llama.cpp", "context": 2048, "args": ["--threads", "1"]}
    models = [
        {"id": SMOLLM2, "aliases": ["smollm2"], "weights": weights, **common},
        {"id": "lab/other", "weights": weights, **common},
        {"id": "lab/missing", "weights": "/no/such/file.gguf", **common},
    ]
    return json.dumps({"clusters": {"local": {"kind": "local", "models": models}}})


@pytest.fixture(scope="session")
def start(federation, tmp_path_factory):
    """Return a function that starts a server with Jupyter AI."""
    servers = []

    def begin(*options):
        options = [*ai_env.flags(), *options]
        home = tmp_path_factory.mktemp("chats")
        env, python = ai_env.env(), ai_env.python()
        servers.append(Jupyter(home / "jupyter", *options, env=env, federation=federation, python=python))
        return servers[-1]

    yield begin
    for server in servers:
        server.close()


@pytest.fixture(scope="session")
def server(start):
    """Return the one that most tests share; Jupyter's documents are shared in it, as Jupyter AI offers."""
    return start()


@pytest.fixture(scope="session")
def ask(server):
    """Return a function that asks as Jupyter AI's own clients do; it returns what came into the chat."""

    def post(message, model=None):
        asked = {"message": message, "metadata": {"model": {"id": model}} if model else None}
        with server.jupyters_port() as jupyter:
            return jupyter.post("api/ai/message/FIRST", json=asked).raise_for_status().json()["response"]

    return post
