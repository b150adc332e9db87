"""Jupyter servers whose one model runs on the Slurm cluster behind Globus Compute."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import openai
import pytest
import yaml
from endpoint import Agent, standin_environment
from first_jupyter_remote.protocol import Weights
from first_jupyter_remote.weights import fetch
from jupyter_process import CACHE, SMOLLM2, TELL, Jupyter, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from compute import ComputeStandIn
    from wall import Wall

__all__ = [
    "Lab",
    "connect",
    "lab",
    "orders",
    "record",
    "serve",
    "small_model",
    "small_weights",
    "vllm_model",
    "weights",
]

LONG = 180
CI_CACHE = Path(os.environ.get("FIRST_CI_CACHE") or "~/.cache/first-jupyter-ci").expanduser()


class Lab(Jupyter):
    """One such server.

    Attributes
    ----------
    address
        Where its ports are found.
    """

    address = "127.0.0.1"

    @property
    def found(self) -> dict[str, Any]:
        """What a terminal finds that reaches its ports."""
        found = {**super().found}
        return found | {
            name: found[name].replace("127.0.0.1", self.address).replace("localhost", self.address)
            for name in ("base_url", "server_url")
        }

    def have_hot(self) -> dict[str, Any]:
        """Have the model hot, and return its place."""
        if self.place()["state"] in {"cold", "offline"}:
            self.post("models/start", model="smollm2")
        return self.until("hot", seconds=LONG)

    def path(self) -> str:
        """Ask, and return by which path the answer came."""
        with self.openai() as client:
            asked = [{"role": "user", "content": "Say hello."}]
            answer = client.chat.completions.with_raw_response.create(
                model="smollm2", messages=asked, max_tokens=4
            )
        assert answer.parse().choices[0].message.content
        return str(answer.headers["x-first-route"])

    def start_and_fail(self) -> str:
        """Start the model where it cannot, and return the reason."""
        self.post("models/start", model="smollm2")
        return self.until("offline", seconds=LONG)["reason"]

    def have_cold(self) -> None:
        """Have the model cold."""
        if self.place()["state"] not in {"cold", "offline"}:
            self.post("models/stop", model="smollm2")
            wait_until(lambda: self.place()["state"] == "cold", LONG, lambda: str(self.place()))

    @contextlib.contextmanager
    def reading(self, **asked: Any) -> Iterator[None]:
        """Ask for a long answer; at the end of the block, see that it is said to be incomplete.

        No other server could go on with it: log-probabilities cannot be pieced together.
        """
        asked = {**TELL, "logprobs": True, **asked}
        with self.openai() as client, client.chat.completions.create(**asked) as stream:
            chunks = iter(stream)
            while not next(chunks).choices[0].delta.content:
                pass
            yield
            with pytest.raises(openai.APIError, match="The answer is incomplete"):
                list(chunks)


def orders(compute: ComputeStandIn, role: str, since: int = 0) -> list[dict[str, Any]]:
    """Return the submissions for a role, from a certain payload on."""
    found = [json.loads(payload) for payload in compute.payloads[since:]]
    return [each for each in found if (each.get("user_endpoint_config") or {}).get("role") == role]


def record(agent: Agent, replica: str = "") -> dict[str, Any]:
    """Return a replica's record on an agent's cluster, that of the one that is ready where none is named."""
    records = [json.loads(path.read_text()) for path in agent.home.rglob("replicas/[!.]*.json")]
    (found,) = (
        each for each in records if (each["replica"] == replica if replica else each["stage"] == "ready")
    )
    return found


def small_weights() -> str:
    """Fetch the small model's weights, and return their file."""
    text = resources.files("first_jupyter_server").joinpath("embedded.yaml").read_text()
    source = yaml.safe_load(text)["clusters"]["local"]["models"][0]["weights"]
    return str(fetch(Weights(**source), CACHE, lambda *_: None).path)


def small_model(weights: str) -> dict[str, Any]:
    """Return the small model as a federation file names it."""
    # One thread: llama.cpp's threads wait for each other in a loop, which a busy machine punishes.
    model = {"id": SMOLLM2, "aliases": ["smollm2"], "backend": "llama.cpp", "weights": weights}
    return model | {"context": 2048, "args": ["--threads", "1"], "python": sys.executable, "gpus": 1}


def vllm_model() -> dict[str, Any]:
    """Return the small model as vLLM serves it, out of what .ci/vllm-env built."""
    python = Path(os.environ.get("FIRST_TEST_VLLM_PYTHON") or CI_CACHE / "vllm-0.32.0/bin/python")
    weights = Path(os.environ.get("FIRST_TEST_VLLM_MODEL") or CI_CACHE / "smollm2-135m-hf")
    if not python.exists() or not weights.exists():
        raise RuntimeError("there is no vLLM to run: run .ci/vllm-env first")
    model = {"id": SMOLLM2, "aliases": ["smollm2"], "backend": "vllm", "weights": str(weights)}
    args = ["--enforce-eager", "--kv-cache-memory-bytes", "134217728"]
    return model | {"python": str(python), "context": 2048, "parallel": 8, "args": args, "gpus": 1}


def connect(
    agent: Agent,
    client: str,
    folder: Path,
    model: dict[str, Any],
    data: Path | None = None,
    look: float | None = None,
    options: Sequence[str] = (),
    wall: Wall | None = None,
    **cluster: Any,
) -> Lab:
    """Start a server whose one model is on an agent's endpoint.

    Parameters
    ----------
    client
        The service account that asks the endpoint.
    folder
        An empty folder.
    model
        The model's entry in the federation file.
    data
        Jupyter's data folder, where it shall be another server's.
    look
        Seconds that a look at the cluster's records takes without news, where fewer than usual.
    options
        Further command-line options.
    wall
        What the server is behind; people get in to its two ports, and it gets out to the hosted services.
    cluster
        Further keys of the cluster.
    """
    environment = standin_environment(agent.service, client, folder / "sdk")
    environment["PYTHONPATH"] += os.pathsep + os.environ.get("PYTHONPATH", "")
    if data is not None:
        environment["JUPYTER_DATA_DIR"] = str(data)
    if look is not None:
        environment["FIRST_TEST_LOOK"] = str(look)
    place = {"kind": "globus-compute", "endpoint": agent.id, "models": [model], **cluster}
    federation = json.dumps({"clusters": {"lab": place}})
    if wall is None:
        return Lab(folder, *options, env=environment, federation=federation)
    service = agent.service
    for url, what in ((service.url, "Globus' web services"), (service.queues.url, "Globus' queues")):
        wall.lets_out(urlsplit(url).port or 0, what)
    lab = Lab(folder, *options, env=environment, federation=federation, inside=wall.inside)
    lab.address = wall.address
    for name, what in (("server_url", "Jupyter's port"), ("base_url", "the kernels' port, for who watches")):
        wall.lets_in(urlsplit(lab.found[name]).port or 0, what)
    return lab


@pytest.fixture(scope="session")
def weights() -> str:
    """Return the file of the small model's weights."""
    return small_weights()


@pytest.fixture(scope="module")
def serve(
    weights: str, client_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Lab]]:
    """Return a function that starts a server for an agent's endpoint, its model and cluster changed."""
    servers: list[Lab] = []

    def start(agent: Agent, model: dict[str, Any] | None = None, **changed: Any) -> Lab:
        folder = tmp_path_factory.mktemp("lab")
        servers.append(connect(agent, client_id, folder, small_model(weights) | (model or {}), **changed))
        return servers[-1]

    yield start
    with ThreadPoolExecutor() as pool:
        list(pool.map(Lab.close, servers))


@pytest.fixture(scope="session")
def lab(
    agent: Agent, weights: str, client_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    """Start the server that most tests share."""
    server = connect(agent, client_id, tmp_path_factory.mktemp("lab"), small_model(weights))
    yield server
    server.close()
