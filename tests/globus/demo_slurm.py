"""Shows a model that runs in a Slurm job behind Globus Compute, each stage timed: ``make demo-slurm``.

RabbitMQ, Slurm, the Globus Compute agent, its SDK, Jupyter, the kernel's side and the model are the true
ones. Globus' hosted services are stood in for on this machine.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path

from auth import AuthStandIn
from broker import Broker
from cluster import Lab, connect, small_model, small_weights, vllm_model
from compute import ComputeStandIn
from demo_words import Clock, say, title
from endpoint import Agent
from slurm import Slurm

LONG = 300
SHORT = "In one sentence: what is a warm node?"
STORY = "Count from 1 to 1000, separated by commas: 1, 2, 3, 4,"


def follow(lab: Lab, slurm: Slurm, clock: Clock, *states: str) -> None:
    """Print each state and stage of the model until it is in one of some states."""
    seen = None
    until = time.monotonic() + LONG
    while True:
        place = lab.place()
        now = (place["state"], place["stage"], place["reason"])
        if now != seen:
            seen = now
            jobs = ", ".join(f"{job} {how}" for job, how in slurm.jobs().items()) or "none"
            words = " ".join(filter(None, (place["state"], place["stage"] and f"({place['stage']})")))
            reason = f": {place['reason']}" if place["reason"] else ""
            clock.done(f"{words}{reason}   [Slurm's jobs: {jobs}]")
        if place["state"] in states:
            return
        if time.monotonic() > until:
            raise SystemExit(f"The model did not become {states[0]}. The server's log:\n{lab.log[-3000:]}")
        time.sleep(0.1)


def ipython(lab: Lab, cell: str, *, line: str = "") -> subprocess.Popen[str]:
    """Run a cell in a plain IPython that finds the server as any terminal does."""
    magic = f"run_cell_magic('first', {line!r}, {cell!r})" if cell else f"run_line_magic('first', {line!r})"
    code = f"%load_ext first_jupyter\nget_ipython().{magic}"
    command = [sys.executable, "-m", "IPython", "--quick", "--colors=nocolor", "-c", code]
    # A virtual environment that is active elsewhere would have IPython complain into the answer.
    env = {name: value for name, value in lab.env.items() if name != "VIRTUAL_ENV"}
    return subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=0
    )


def show(process: subprocess.Popen[str], at: dict[int, object] | None = None) -> str:
    """Print what it prints as it comes; after so many characters, do something else."""
    shown = ""
    for letter in iter(lambda: process.stdout.read(1), ""):  # type: ignore[union-attr]
        sys.stdout.write(letter)
        sys.stdout.flush()
        shown += letter
        for many in [many for many in at or {} if len(shown) >= many]:
            threading.Thread(target=at.pop(many), daemon=True).start()
    process.wait()
    return shown


def main() -> None:
    """Run the demonstration."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vllm", action="store_true", help="serve with vLLM on the CPU instead of llama.cpp")
    given = parser.parse_args()
    clock = Clock()
    with tempfile.TemporaryDirectory(prefix="first-demo-") as place, contextlib.ExitStack() as stack:
        folder, client = Path(place), str(uuid.uuid4())
        for name in ("broker", "slurm", "endpoint", "lab"):
            (folder / name).mkdir()
        title("A lab")
        model = vllm_model() if given.vllm else small_model(small_weights())
        clock.done(f"weights of {model['id']}")
        broker = stack.enter_context(Broker(folder / "broker"))
        clock.done("RabbitMQ")
        compute = stack.enter_context(ComputeStandIn(AuthStandIn(), broker.url))
        clock.done("stand-ins for Globus Auth and the hosted half of Globus Compute")
        slurm = stack.enter_context(Slurm(folder / "slurm"))
        clock.done("Slurm with two nodes")
        agent = stack.enter_context(
            Agent(compute, folder / "endpoint", client, {"SLURM_CONF": str(slurm.config)})
        )
        clock.done("Globus Compute agent, its endpoint written by first-remote deploy: online")
        lab = connect(agent, client, folder / "lab", model)
        stack.callback(lab.close)
        clock.done("Jupyter server with first-jupyter")

        title("%first start smollm2 --for 10m --on lab")
        show(ipython(lab, "", line="start smollm2 --for 10m --on lab"))
        follow(lab, slurm, clock, "hot")

        title(f"%%first   ({SHORT})")
        show(ipython(lab, SHORT, line="smollm2 --max-tokens 60"))
        clock.done("answered")
        say(f"{time.monotonic() - clock.begun:7.1f} s  in all, from an empty folder to the answer")

        title(f"%%first, and scancel in the middle of the answer   ({STORY})")
        [job] = slurm.jobs()

        def cancel() -> None:
            slurm.cancel(job)
            sys.stdout.write(f"\n>>> scancel {job}\n")

        shown = show(ipython(lab, STORY, line="smollm2 --max-tokens 400"), {120: cancel})
        if "continued on lab after a node was lost" not in shown:
            raise SystemExit("The answer whose job was cancelled was not continued.")
        clock.done("the reader has all of it: it went on from a new job, by itself")

        title("%first stop smollm2")
        show(ipython(lab, "", line="stop smollm2"))
        until = time.monotonic() + LONG
        while slurm.jobs() and time.monotonic() < until:
            time.sleep(0.1)
        clock.done("the node is given back")


if __name__ == "__main__":
    main()
