"""Measure answers that Globus Compute alone carries: ``python benchmarks/paths_globus.py [--quick]``.

Beside them what each request would cost if Globus Compute dispatched it, as FIRST and STREAM have it do: the
seconds until a task that is submitted has begun, before its model has seen anything. The lab is that of
``compute.py``; the hosted service is stood in for, and adds no distance.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import procs

TESTS = Path(__file__).parent.parent / "tests"
# Before this folder: there is a compute.py in both.
sys.path[:0] = [str(TESTS / "globus"), str(TESTS / "integration")]
ASKED = {"model": "smollm2", "messages": [{"role": "user", "content": "Tell a story."}], "stream": True}
DISPATCH = """
import json, sys, time
from globus_compute_sdk import Executor

def began():
    import time
    return time.time()

found = []
with Executor(sys.argv[1], user_endpoint_config={"role": "control"}) as executor:
    executor.submit(began).result()
    for _ in range(int(sys.argv[2])):
        time.sleep(5)  # the SDK holds back what comes more often than 4 times in 16 s
        asked = time.time()
        there = executor.submit(began).result()
        found.append([there - asked, time.time() - asked])
print(json.dumps(found))
"""


def answers(lab: Any, compute: Any, count: int, tokens: int) -> tuple[list[float], list[int]]:
    """Read answers one after the other; return the seconds to their first tokens, and their submissions."""
    firsts, costs = [], []
    for _ in range(count):
        time.sleep(2)
        submitted, begun = len(compute.payloads), time.monotonic()
        with lab.openai() as client:
            first = None
            for chunk in client.chat.completions.create(
                **ASKED, max_tokens=tokens, extra_body={"ignore_eos": True}
            ):
                if first is None and chunk.choices and chunk.choices[0].delta.content:
                    first = time.monotonic() - begun
        assert first is not None
        firsts.append(first)
        roles = [
            json.loads(each).get("user_endpoint_config", {}).get("role")
            for each in compute.payloads[submitted:]
        ]
        costs.append(roles.count("relay"))
    return firsts, costs


def dispatches(agent: Any, client: str, folder: Path, count: int) -> list[list[float]]:
    """Return the seconds until each of some tasks had begun, and until its result was there."""
    from endpoint import standin_environment  # noqa: PLC0415  # beside the tests' own modules

    environment = {**os.environ, **standin_environment(agent.service, client, folder)}
    command = [sys.executable, "-c", DISPATCH, agent.id, str(count)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found: list[list[float]] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two of each: does everything work?")
    count = 2 if parser.parse_args().quick else 8

    from auth import AuthStandIn  # noqa: PLC0415
    from broker import Broker  # noqa: PLC0415
    from cluster import connect, small_model, small_weights  # noqa: PLC0415
    from compute import ComputeStandIn  # noqa: PLC0415
    from endpoint import Agent  # noqa: PLC0415
    from slurm import Slurm  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="first-bench-") as place, contextlib.ExitStack() as stack:
        folder, client = Path(place), str(uuid.uuid4())
        for name in ("broker", "slurm", "endpoint", "sdk"):
            (folder / name).mkdir()
        broker = stack.enter_context(Broker(folder / "broker"))
        compute = stack.enter_context(ComputeStandIn(AuthStandIn(), broker.url))
        slurm = stack.enter_context(Slurm(folder / "slurm"))
        config = {"SLURM_CONF": str(slurm.config)}
        agent = stack.enter_context(Agent(compute, folder / "endpoint", client, config))
        lab = connect(agent, client, folder / "lab", small_model(small_weights()), paths=["relay"])
        stack.callback(lab.close)
        lab.have_hot()
        lab.ask()
        print("| answer | first token, median | worst | submissions, median | most |\n|---|---|---|---|---|")
        for tokens in (40, 600):
            firsts, costs = answers(lab, compute, count, tokens)
            row = f"{statistics.median(firsts):.2f} s | {max(firsts):.2f} s"
            print(f"| {tokens} tokens | {row} | {statistics.median(costs):.0f} | {max(costs)} |")
        found = dispatches(agent, client, folder / "sdk", count)
        lab.have_cold()
    print("\n| a request that Globus Compute dispatches | median | worst |\n|---|---|---|")
    for number, words in enumerate(("until its task has begun", "until its result is back")):
        seconds = [each[number] for each in found]
        print(f"| {words} | {statistics.median(seconds):.2f} s | {max(seconds):.2f} s |")
    print(f"\n{procs.machine()}, {procs.today()}")


if __name__ == "__main__":
    main()
