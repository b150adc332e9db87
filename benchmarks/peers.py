"""The other proxies, started as their documentation says, from the environment of ``.ci/peers-env``."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import targets
from targets import Jupyter, Target
from upstream import MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENVIRONMENT = "FIRST_BENCH_PEERS"
ROUTER, LITELLM, SERVER_PROXY = "vllm-router", "LiteLLM", "jupyter-server-proxy"
ALL = (ROUTER, LITELLM, SERVER_PROXY)


def environment() -> Path:
    """Return the peers' environment, which is built where it is not there yet."""
    if folder := os.environ.get(_ENVIRONMENT):
        return Path(folder)
    command = [str(targets.HERE.parent / ".ci" / "peers-env")]
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return Path(said.strip().removeprefix(f"{_ENVIRONMENT}="))


def versions(env: Path) -> str:
    """Return the peers with their versions."""
    names = ("vllm-router", "litellm", "jupyter-server-proxy")
    code = f"from importlib.metadata import version; print(*map(version, {names}))"
    said = subprocess.run([env / "bin" / "python", "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    return ", ".join(f"{name} {number}" for name, number in zip(ALL, said.stdout.split(), strict=True))


@contextlib.contextmanager
def router(env: Path, direct: Target, home: Path, cpu: int) -> Iterator[Target]:
    """Start vllm-router, which lets 256 requests in at a time if it is not told otherwise."""
    home.mkdir()
    port = targets.free_port()
    command = [
        *(str(env / "bin" / "vllm-router"), "--host", "127.0.0.1", "--port", str(port)),
        *("--worker-urls", f"http://127.0.0.1:{targets.port_of(direct)}", "--policy", "round_robin"),
        *("--max-concurrent-requests", "8192", "--prometheus-port", str(targets.free_port())),
    ]
    url = f"http://127.0.0.1:{port}"
    with targets.started(command, home, cpu, f"{url}/health") as process:
        yield Target(ROUTER, f"{url}/v1/chat/completions", watch={"proxy": [process.pid]})


@contextlib.contextmanager
def litellm(env: Path, direct: Target, home: Path, cpu: int) -> Iterator[Target]:
    """Start LiteLLM's proxy with one worker and no database."""
    home.mkdir()
    port, key = targets.free_port(), f"sk-{secrets.token_hex(24)}"
    behind = {
        "model": f"openai/{MODEL}",
        "api_base": f"http://127.0.0.1:{targets.port_of(direct)}/v1",
        "api_key": "none",
    }
    config = {
        "model_list": [{"model_name": MODEL, "litellm_params": behind}],
        "general_settings": {"master_key": key},
    }
    (home / "config.yaml").write_text(json.dumps(config))
    command = [
        *(str(env / "bin" / "litellm"), "--config", str(home / "config.yaml"), "--telemetry", "False"),
        *("--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"),
    ]
    url = f"http://127.0.0.1:{port}"
    alone = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    with targets.started(command, home, cpu, f"{url}/health/liveliness", alone) as process:
        yield Target(
            LITELLM,
            f"{url}/v1/chat/completions",
            {"authorization": f"Bearer {key}"},
            {"proxy": [process.pid]},
            slow=True,
        )


@contextlib.contextmanager
def server_proxy(env: Path, direct: Target, home: Path, cpu: int) -> Iterator[Jupyter]:
    """Start a Jupyter server with jupyter-server-proxy, which streams to this one media type alone."""
    python = str(env / "bin" / "python")
    with targets.jupyter_with(python, ("jupyter_server_proxy",), home, cpu, {}) as (url, process):
        jupyter = Jupyter(url, process.pid, ())
        target = Target(
            SERVER_PROXY,
            f"{url}/proxy/{targets.port_of(direct)}/v1/chat/completions",
            jupyter.headers,
            {"proxy": [process.pid]},
            accept="text/event-stream",
        )
        yield Jupyter(url, process.pid, (target,))
