"""Everything that chaos befalls: a Jupyter server, three clusters that serve one model, and who reads.

``laptop`` is this machine, ``lab`` a Slurm cluster behind the true Globus Compute agent with RabbitMQ as its
broker, ``campus`` an OpenAI-compatible server that belongs to nobody here. All three serve a model that
counts; on the laptop and in the lab node agents look after it. The laptop serves a small real model besides.
Only Globus' hosted services are stood in for.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Self

import httpx
from auth import AuthStandIn
from broker import Broker
from cluster import Lab, small_model, small_weights
from compute import ComputeStandIn
from endpoint import Agent, standin_environment
from jupyter_process import free_port, wait_until
from readers import COUNTER
from slurm import Slurm

__all__ = ["World", "kill", "processes_with"]

HERE = Path(__file__).parent
COUNTING = HERE / "counting_server.py"
START = 300
SLOTS = 128
"""Requests that one replica of the counting model is said to answer at once."""


class Campus:
    """The server that belongs to nobody here."""

    def __init__(self, folder: Path) -> None:
        self.port, self._log = free_port(), folder / "campus.log"
        self.section = {
            "kind": "openai",
            "url": f"http://127.0.0.1:{self.port}/v1",
            "backend": "vllm",
            "models": [{"id": COUNTER, "context": 8192}],
        }
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            command = [sys.executable, str(COUNTING), "--port", str(self.port)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


class World:
    """All of it, in one folder.

    Parameters
    ----------
    folder
        An empty folder.
    counters, real
        How many readers there are of the model that counts, and of the real one.
    environment
        Further environment of the Jupyter server and what it starts.
    """

    def __init__(self, folder: Path, counters: int, real: int, **environment: str) -> None:
        self.folder, self._counters, self._real = folder, counters, real
        self._environment = environment
        self.port = free_port()
        self._stack = contextlib.ExitStack()
        self._client = str(uuid.uuid4())

    def __enter__(self) -> Self:
        """Start everything, and return once all three clusters serve the model."""
        with contextlib.ExitStack() as stack:
            for name in ("broker", "slurm", "endpoint", "jupyter"):
                (self.folder / name).mkdir()
            self.campus = Campus(self.folder)
            stack.callback(self.campus.close)
            self.broker = stack.enter_context(Broker(self.folder / "broker"))
            self.compute = stack.enter_context(ComputeStandIn(AuthStandIn(), self.broker.url))
            slurm = stack.enter_context(Slurm(self.folder / "slurm"))
            inside = {"SLURM_CONF": str(slurm.config)}
            self.agent = stack.enter_context(
                Agent(self.compute, self.folder / "endpoint", self._client, inside)
            )
            self._federation = self._written()
            self.start_jupyter()
            stack.callback(self._close_jupyter)
            hot = {"laptop": "hot", "lab": "hot", "campus": "hot"}
            wait_until(
                lambda: self.states() == hot, START, lambda: f"{self.states()}\n{self.jupyter.log[-3000:]}"
            )
            self._start_readers()
            stack.callback(self._readers.kill)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _written(self) -> str:
        """Return the federation file; a replica on each cluster is kept warm, whatever becomes of it."""
        counting = self.folder / "counting"
        counting.write_text(f'#!/bin/sh\nshift\nexec "{sys.executable}" "{COUNTING}" "$@"\n')
        counting.chmod(0o755)
        model = {"id": COUNTER, "backend": "vllm", "python": str(counting), "context": 8192}
        model |= {"parallel": SLOTS, "min_warm": 1}
        real = small_model(small_weights()) | {"parallel": 4, "min_warm": 1}
        del real["gpus"]
        clusters = {
            "laptop": {"kind": "local", "models": [model, real] if self._real else [model]},
            "lab": {"kind": "globus-compute", "endpoint": self.agent.id, "models": [model | {"gpus": 1}]},
            "campus": self.campus.section,
        }
        return json.dumps({"clusters": clusters})

    # the Jupyter server

    def start_jupyter(self) -> None:
        """Start it, always on the same port, as whoever supervises it would."""
        environment = standin_environment(self.compute, self._client, self.folder / "sdk")
        environment["PYTHONPATH"] += os.pathsep + os.environ.get("PYTHONPATH", "")
        self.jupyter = Lab(
            self.folder / "jupyter",
            env=environment | self._environment,
            federation=self._federation,
            port=self.port,
        )

    def _close_jupyter(self) -> None:
        self.jupyter.close()  # the one that runs by then

    def data_plane(self) -> int:
        """Return the data plane's process."""
        (pid,) = self.data_planes()
        return pid

    def data_planes(self) -> list[int]:
        """Return the data plane's process, if there is one now."""
        return self.processes_of("first_jupyter_server.dataplane")

    def processes_of(self, module: str) -> list[int]:
        """Return the processes of this server that run a module of ours."""
        return [pid for pid, words in self.jupyter.processes().items() if f"-m {module} " in words]

    def states(self) -> dict[str, str]:
        """Return the state of the model that counts, by cluster."""
        try:
            models = self.jupyter.get("models")["models"]
        except (httpx.HTTPError, OSError, ValueError):
            return {}
        (places,) = (model["clusters"] for model in models if model["id"] == COUNTER)
        return {place["cluster"]: place["state"] for place in places}

    def replica(self, cluster: str, model: str = COUNTER) -> dict:
        """Return the record of the replica that serves a model on a cluster; empty where none does."""
        home = self.agent.home if cluster == "lab" else self.folder / "jupyter"
        for path in home.rglob("replicas/[!.]*.json"):
            with contextlib.suppress(OSError, ValueError):
                record = json.loads(path.read_text())
                if record["model"] == model and record["stage"] == "ready":
                    return record
        return {}

    def serves(self, cluster: str) -> bool:
        """Say whether a replica serves the model on a cluster, by its own record."""
        return bool(self.replica(cluster))

    # who reads

    def _start_readers(self) -> None:
        command = [sys.executable, str(HERE / "readers.py"), str(self.folder)]
        command += [str(self._counters), str(self._real)]
        with (self.folder / "readers.log").open("w") as log:
            self._readers = subprocess.Popen(command, stdout=log, stderr=log)
        flow = self.folder / "flow.jsonl"
        wait_until(lambda: flow.exists() and flow.read_text(), 30)

    def stop_readers(self) -> None:
        """Have them read to the end what they have begun, and go."""
        self._readers.send_signal(signal.SIGTERM)
        self._readers.wait(timeout=120)


def processes_with(mark: str) -> list[int]:
    """Return the processes whose command line holds some words."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and mark.encode() in (entry / "cmdline").read_bytes().replace(
                b"\0", b" "
            ):
                found.append(int(entry.name))
    return found


def kill(pid: int) -> None:
    """Kill a process, if it is still there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
