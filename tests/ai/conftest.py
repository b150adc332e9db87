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
def server(federation, tmp_path_factory):
    """Start one; Jupyter's documents are shared in it, as Jupyter AI offers."""
    home = tmp_path_factory.mktemp("chats") / "jupyter"
    env, python = ai_env.env(), ai_env.python()
    server = Jupyter(home, *ai_env.flags(), env=env, federation=federation, python=python)
    yield server
    server.close()


@pytest.fixture(scope="session")
def ask(server):
    """Return a function that asks as Jupyter AI's own clients do; it returns what came into the chat."""

    def post(message, model=None, persona="FIRST"):
        asked = {"message": message, "metadata": {"model": {"id": model}} if model else None}
        with server.jupyters_port() as jupyter:
            return jupyter.post(f"api/ai/message/{persona}", json=asked).raise_for_status().json()["response"]

    return post
