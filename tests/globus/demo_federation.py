"""Shows one model on three clusters under load, while they fail one by one: ``make demo-federation``.

The clusters are this machine, a Slurm cluster behind the true Globus Compute agent, and one more
OpenAI-compatible server. Only Globus' hosted services are stood in for.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import tempfile
import time
import uuid
from pathlib import Path

from auth import AuthStandIn
from broker import Broker
from cluster import Lab, small_model, small_weights
from compute import ComputeStandIn
from conversations import Asked, Conversations, times, told
from demo_words import Clock, say, title
from endpoint import Agent, standin_environment
from jupyter_process import SMOLLM2, wait_until
from lone_llama import Llama
from slurm import Slurm

LONG = 300


def federation(weights: str, agent: Agent, campus: Llama) -> str:
    """Return the federation file: one model on three clusters."""
    model = small_model(weights)
    laptop = {key: value for key, value in model.items() if key != "gpus"} | {"parallel": 4}
    clusters = {
        "laptop": {"kind": "local", "models": [laptop]},
        "lab": {"kind": "globus-compute", "endpoint": agent.id, "models": [model | {"parallel": 4}]},
        "campus": {
            "kind": "openai",
            "url": campus.url,
            "key_file": str(campus.key_file),
            "backend": "llama.cpp",
            "models": [{"id": SMOLLM2, "context": 2048}],
        },
    }
    return json.dumps({"clusters": clusters})


def states(lab: Lab) -> dict[str, str]:
    """Return the model's state on each cluster."""
    model = next(each for each in lab.get("models")["models"] if each["id"] == SMOLLM2)
    return {place["cluster"]: place["state"] for place in model["clusters"]}


def are_hot(lab: Lab, *clusters: str) -> bool:
    """Say whether the model is hot on some clusters."""
    now = states(lab)
    return all(now[cluster] == "hot" for cluster in clusters)


def kill_node(agent: Agent) -> None:
    """Kill the node agent and the inference server on the node that serves, as a power cut would."""
    records = [json.loads(path.read_text()) for path in agent.home.rglob("replicas/[!.]*.json")]
    (ready,) = (each for each in records if each["stage"] == "ready")
    mark = f"--port {ready['port']} ".encode()
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and mark in (entry / "cmdline").read_bytes().replace(b"\0", b" "):
                os.kill(int(entry.name), signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.kill(ready["pid"], signal.SIGKILL)


def talk(lab: Lab, agent: Agent, campus: Llama, *, people: int, phase: float) -> int:
    """Have people talk while clusters fail; return how many questions failed."""
    found = lab.found
    quiet: list[Asked] = []
    with Conversations(found["base_url"], found["api_key"], SMOLLM2, people) as all_of_them:

        def watch(what: str, do: object = None, seconds: float = phase) -> list[Asked]:
            title(what)
            begun = time.monotonic()
            if callable(do):
                do()
            time.sleep(seconds)
            # What is on its way belongs to this event, also where the event makes it late.
            late = [each for each in all_of_them.asked if not each.seconds]
            while not all(each.seconds for each in late) and time.monotonic() < begun + 2 * seconds:
                time.sleep(0.1)
            ended = [each for each in all_of_them.asked if each.seconds]
            during = [each for each in ended if each.at + each.seconds > begun]
            say(told(during))
            for line in times(during, quiet):
                say(f"    {line}")
            say(", ".join(f"{cluster} {state}" for cluster, state in states(lab).items()))
            for reason in dict.fromkeys(each.failed for each in during if each.failed):
                say(f"    {reason}")
            return during

        quiet = watch(f"{people} conversations on three clusters")
        watch(
            "The lab's node is killed (kill -9 of the node agent and of the model's server)",
            lambda: kill_node(agent),
        )
        watch("The campus server hangs (SIGSTOP)", campus.hang)
        watch("It goes on", campus.go_on)
        watch("The campus server goes offline", campus.close)
    title("In all")
    say(told(all_of_them.asked))
    return sum(bool(each.failed) for each in all_of_them.asked)


def main() -> None:
    """Run the demonstration."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=6, help="conversations at once (%(default)s)")
    parser.add_argument("--phase", type=float, default=25.0, help="seconds between two events (%(default)s)")
    given = parser.parse_args()
    clock = Clock()
    with tempfile.TemporaryDirectory(prefix="first-demo-") as place, contextlib.ExitStack() as stack:
        folder, client = Path(place), str(uuid.uuid4())
        for name in ("broker", "slurm", "endpoint", "campus", "lab"):
            (folder / name).mkdir()
        title("Three clusters")
        weights = small_weights()
        campus = Llama(weights, folder / "campus")
        stack.callback(campus.close)
        clock.done("campus: an OpenAI-compatible server")
        broker = stack.enter_context(Broker(folder / "broker"))
        compute = stack.enter_context(ComputeStandIn(AuthStandIn(), broker.url))
        slurm = stack.enter_context(Slurm(folder / "slurm"))
        agent = stack.enter_context(
            Agent(compute, folder / "endpoint", client, {"SLURM_CONF": str(slurm.config)})
        )
        clock.done("lab: Slurm with two nodes, and a Globus Compute agent")
        environment = standin_environment(compute, client, folder / "lab" / "sdk")
        environment["PYTHONPATH"] += os.pathsep + os.environ.get("PYTHONPATH", "")
        lab = Lab(folder / "lab", env=environment, federation=federation(weights, agent, campus))
        stack.callback(lab.close)
        clock.done("Jupyter server with first-jupyter; laptop: this machine")
        for cluster in ("laptop", "lab"):
            lab.post("models/start", model=SMOLLM2, cluster=cluster, hold=3600)
        wait_until(lambda: are_hot(lab, "laptop", "lab", "campus"), LONG, lambda: str(states(lab)))
        clock.done("the model is hot on all three")
        failed = talk(lab, agent, campus, people=given.people, phase=given.phase)
        clock.done("the conversations")
    if failed:
        raise SystemExit(f"{failed} questions failed.")


if __name__ == "__main__":
    main()
