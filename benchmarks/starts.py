"""Measure starts on a cluster against a bare ``vllm serve``: ``python benchmarks/starts.py``.

The environments of ``.ci/vllm-env`` and ``.ci/globus-env`` have to be there, RabbitMQ and Slurm installed;
``make test`` sees to all of it. Leave the machine alone meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import procs
from first_jupyter_remote.backends import vllm
from starts_report import Found, Idle, Start, document, table

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
TESTS = HERE.parent / "tests"
# The lab and its model are those that the tests run: a broker, a Slurm, an agent, and stand-ins of the hosted
# services. Before this folder: there is a compute.py in both.
sys.path[:0] = [str(TESTS / "globus"), str(TESTS / "integration")]
DOCUMENT = HERE.parent / "docs" / "benchmarks-compute.md"
RECORDS = ".local/state/first-jupyter/replicas"
LONG = 400.0
OFTEN = 0.05
IDLE_TTL = 5
MARGIN = 5
"""Seconds by which a replica is held longer than it is looked at."""


def answers(model: str, port: int, key: str) -> bool:
    """Say whether a server completes one token."""
    body = json.dumps({"model": model, "prompt": "warm", "max_tokens": 1}).encode()
    head = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/completions", body, head)
    with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=60) as answer:
        return bool(answer.status == 200)
    return False


def until(condition: Callable[[], Any], what: str, pause: float = OFTEN) -> Any:
    """Return the condition's first true value."""
    end = time.monotonic() + LONG
    while not (value := condition()):
        if time.monotonic() > end:
            raise SystemExit(f"It never came to this: {what}.")
        time.sleep(pause)
    return value


class Lab:
    """A Jupyter server, and a Slurm cluster behind Globus Compute.

    The cluster's nodes have one core, to which bare vLLM is bound as well; all else has another one.

    Parameters
    ----------
    model
        The model's entry in the federation file.
    folder
        An empty folder.
    stack
        Ends all of it.
    """

    def __init__(self, model: dict[str, Any], folder: Path, stack: contextlib.ExitStack) -> None:
        from auth import AuthStandIn  # noqa: PLC0415
        from broker import Broker  # noqa: PLC0415
        from cluster import connect  # noqa: PLC0415
        from compute import ComputeStandIn  # noqa: PLC0415
        from endpoint import Agent  # noqa: PLC0415
        from slurm import Slurm  # noqa: PLC0415

        client = str(uuid.uuid4())
        for name in ("broker", "slurm", "endpoint", "lab"):
            (folder / name).mkdir()
        self.node, beside = procs.cpus()
        with procs.pinned(self.node):
            self.slurm = stack.enter_context(Slurm(folder / "slurm"))
        stack.enter_context(procs.pinned(beside))
        broker = stack.enter_context(Broker(folder / "broker"))
        self.compute = stack.enter_context(ComputeStandIn(AuthStandIn(), broker.url))
        variables = {"SLURM_CONF": str(self.slurm.config)}
        agent = stack.enter_context(Agent(self.compute, folder / "endpoint", client, variables))
        self.model, self.home = model, agent.home
        server = connect(agent, client, folder / "lab", model)
        stack.callback(server.close)
        self._plane = stack.enter_context(server.kernels_port())

    def bare(self) -> float:
        """Return the seconds from ``vllm serve`` to its first answer, with nothing of ours around it."""
        from jupyter_process import free_port  # noqa: PLC0415

        model, port, key = self.model, free_port(), secrets.token_urlsafe(16)
        # Builds for CPUs lack the command `vllm`, and api_server loads vLLM once more in each process.
        argv = [model["python"], str(vllm.SERVER), model["weights"], "--served-model-name", model["id"]]
        argv += ["--host", "127.0.0.1", "--port", str(port)]
        argv += ["--max-model-len", str(model["context"]), "--max-num-seqs", str(model["parallel"])]
        env = {"PATH": os.environ["PATH"], "HOME": str(self.home), "VLLM_API_KEY": key}
        env |= {"VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1"}
        begun = time.monotonic()
        with (self.home / "bare.log").open("w") as log, procs.pinned(self.node):
            server = subprocess.Popen(
                [*argv, *model["args"]], env=env, stdout=log, stderr=log, start_new_session=True
            )
        try:
            until(lambda: answers(model["id"], port, key), "bare vLLM answers")
            return time.monotonic() - begun
        finally:
            server.terminate()
            server.wait()

    def start(self, hold: float) -> Start:
        """Start the model from cold, and keep it for so long."""
        sent, known = len(self.compute.payloads), set(self._records())
        begun = time.monotonic()
        self._plane.post("first/api/models/start", json={"model": self.model["id"], "hold": hold})
        until(lambda: set(self._records()) - known, "the node agent runs")
        at_work = time.monotonic() - begun
        agent = [self.record()["pid"]]
        before = procs.cpu_seconds(agent)
        until(lambda: self.record()["stage"] == "ready", "the replica is ready")
        ready, cpu = time.monotonic() - begun, procs.cpu_seconds(agent) - before
        until(lambda: self.state() == "hot", "the model is hot")
        hot = time.monotonic() - begun
        return Start(at_work, ready, hot, cpu, self._submissions(sent))

    def idle(self, seconds: float) -> Idle:
        """Look at a warm replica for so long."""
        pid = self.record()["pid"]
        agent, core, begun = procs.cpu_seconds([pid]), procs.busy_seconds(self.node), time.monotonic()
        time.sleep(seconds)
        passed = time.monotonic() - begun
        return Idle(
            procs.memory_kb([pid])["pss"] / 1e3,
            (procs.cpu_seconds([pid]) - agent) / passed,
            (procs.busy_seconds(self.node) - core) / passed,
        )

    def end(self) -> float:
        """Return the seconds from the lease's end to the job's."""
        expires = until(lambda: self.record()["expires"], "the lease has an end")
        until(lambda: not self.slurm.jobs(), "the job is gone", pause=0.2)
        return float(time.time() - expires)

    def record(self) -> dict[str, Any]:
        """Return the newest record."""
        records = [json.loads(path.read_text()) for path in self._records()]
        return max(records, key=lambda record: record["updated"])

    def state(self) -> str:
        """Return the model's state on the cluster."""
        models = self._plane.get("first/api/models").json()["models"]
        entry = next(each for each in models if each["id"] == self.model["id"])
        return str(entry["clusters"][0]["state"])

    def _records(self) -> list[Path]:
        return [*(self.home / RECORDS).glob("[!.]*.json")]

    def _submissions(self, since: int) -> dict[str, int]:
        from cluster import orders  # noqa: PLC0415

        return {role: len(orders(self.compute, role, since=since)) for role in ("serve", "control")}


def measure(rounds: int, idle: float) -> Found:
    """Run it all, bare and through the lab in turns."""
    from cluster import vllm_model  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="first-bench-") as place, contextlib.ExitStack() as stack:
        lab = Lab({**vllm_model(), "idle_ttl": IDLE_TTL}, Path(place), stack)
        found = Found(lab.bare())
        for number in range(rounds):
            found.bare.append(lab.bare())
            found.starts.append(lab.start(hold=idle + MARGIN))
            print(f"round {number + 1}: bare {found.bare[-1]:.1f} s, {found.starts[-1]}", flush=True)
            found.idles.append(lab.idle(idle))
            found.ends.append(lab.end())
            print(
                f"round {number + 1}: {found.idles[-1]}, the job gone after {found.ends[-1]:.1f} s",
                flush=True,
            )
            until(lambda: lab.state() in {"cold", "offline"}, "the model is cold again")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2, help="how often each has its turn (%(default)s)")
    parser.add_argument("--idle", type=int, default=30, help="seconds that a warm replica is watched")
    parser.add_argument("--write", action="store_true", help=f"write {DOCUMENT.name}")
    given = parser.parse_args()
    found = measure(given.rounds, given.idle)
    print(table(found))
    if given.write:
        DOCUMENT.write_text(document(found, f"--rounds {given.rounds} --idle {given.idle} --write"))


if __name__ == "__main__":
    main()
