"""Fail when our proxy has become dearer: ``python benchmarks/proxy_check.py``, under a minute.

A figure by itself tells of the machine. So each is divided by that of the bare relay, ``relay.py``, which
makes the same system calls from the same Python, a few milliseconds before or after. What disturbs only ever
adds, so the least of some rounds stands for each of the two. What a ratio may be at most is in
``proxy_check.json``; docs/benchmarks.md says how far it varies when nothing has changed.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import random
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import figures
import procs
import targets
from client import Job
from figures import Round
from targets import FAST

_BOUNDS = targets.HERE / "proxy_check.json"
_ROUNDS, _TRIES = 4, 2
_JOBS = {
    "ns1": Job("", clients=1, seconds=0.5),
    "ns64": Job("", clients=64, seconds=0.7),
    # At half an engine's pace: tokens come together, and cost less, where a machine is at its limit.
    "st256": Job("", clients=256, requests=1, stream=True, tokens=25, delay_ms=40),
}
_FIGURES = {
    "CPU time a token, 256 streams": figures.cpu_per("st256", "tokens", 1e6, "proxy"),
    "CPU time a request, 64 clients": figures.cpu_per("ns64", "requests", 1e6, "proxy"),
    "added latency p50, 1 client": figures.added("ns1", "latency_ms"),
}


def measure() -> list[Round]:
    """Return some rounds."""
    cpu, _ = procs.cpus()
    rounds: list[Round] = []
    with tempfile.TemporaryDirectory() as home, contextlib.ExitStack() as stack:
        direct, _pid = stack.enter_context(targets.upstream(cpu))
        relay = stack.enter_context(targets.relay(direct, cpu))
        ours, _ = stack.enter_context(targets.jupyter(direct, Path(home, "ours"), cpu)).targets
        for _ in range(_ROUNDS):
            rounds.append({name: {} for name in _JOBS})
            turns = [(name, target) for name in _JOBS for target in (relay, ours)] + [("ns1", direct)]
            for name, target in random.sample(turns, len(turns)):
                rounds[-1][name][target.name] = _turn(_JOBS[name], target, cpu)
    return rounds


def _turn(job: Job, target: targets.Target, cpu: int) -> figures.Result:
    aimed = dataclasses.replace(job, url=target.url, headers=target.headers, watch=target.watch)
    command = [sys.executable, str(targets.HERE / "load.py"), json.dumps(dataclasses.asdict(aimed))]
    with procs.pinned(cpu):
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    result: figures.Result = json.loads(done.stdout)
    if text := figures.failure(result):
        raise SystemExit(f"{target.name}: {text}")
    return result


def ratios(rounds: list[Round]) -> dict[str, float]:
    """Return ours by the relay, each at its best."""
    best = {
        title: [min(figure(one, name)[0] for one in rounds) for name in (FAST, "bare relay")]
        for title, figure in _FIGURES.items()
    }
    return {title: ours / relay for title, (ours, relay) in best.items()}


def main() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    procs.prefer()
    bounds: dict[str, dict[str, float]] = json.loads(_BOUNDS.read_text())
    for _ in range(_TRIES):
        found = ratios(measure())
        dear = [title for title, ratio in found.items() if ratio > bounds[title]["at most"]]
        for title, ratio in found.items():
            usual, most = bounds[title]["usually"], bounds[title]["at most"]
            print(f"{title}: {ratio:.2f} times the bare relay's (usually {usual}, at most {most})")
        if not dear:
            return 0
    print(f"Dearer than it was, twice: {', '.join(dear)}. `git bisect run` with this finds out since when.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
