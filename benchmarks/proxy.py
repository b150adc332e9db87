"""Measure our proxy, a direct connection and other proxies: ``python benchmarks/proxy.py [--peers]``."""

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
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import peers
import procs
import report
import scenarios
import targets
from client import Job
from figures import Result, Results

if TYPE_CHECKING:
    from collections.abc import Iterator

    from targets import Jupyter, Target

_PATIENCE, _SETTLING = 120, 10
_FLAT_SECONDS, _FLAT_SECONDS_OF_PEERS = 150, 10
_NAP = 0.2


class Bench:
    """The rounds, and what went wrong in them.

    Parameters
    ----------
    share
        How much of its full time each turn takes.
    env
        The environment with the other proxies, if they are to be measured too.
    kept
        Earlier results, to which this adds.
    """

    def __init__(self, share: float, env: Path | None, kept: Results) -> None:
        self.share, self.env, self.kept = share, env, kept
        self.cpu, self.other = procs.cpus()
        self.direct: Target
        self.upstream = 0

    @contextlib.contextmanager
    def _everything(self, *, fresh: bool) -> Iterator[tuple[list[Target], list[Jupyter]]]:
        """Start every process; yield the targets, the direct one first, and the Jupyters among them."""
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
            home, cpu, enter = Path(folder), self.cpu, stack.enter_context
            direct, self.upstream = enter(targets.upstream(cpu))
            self.direct = direct
            nginx = enter(targets.nginx(direct, home / "nginx", cpu))
            found = [direct, *([nginx] if nginx else [])]
            jupyters = []
            if self.env:
                found += [
                    enter(peers.router(self.env, direct, home / "router", cpu)),
                    enter(peers.litellm(self.env, direct, home / "litellm", cpu)),
                ]
                jupyters.append(enter(peers.server_proxy(self.env, direct, home / "jsp", cpu)))
            if fresh:
                self._memory(direct, [*found[1:], *(one for each in jupyters for one in each.targets)], home)
            jupyters.append(enter(targets.jupyter(direct, home / "ours", cpu)))
            found += [one for each in jupyters for one in each.targets]
            yield found, jupyters

    def round(self) -> None:
        """Start everything afresh and give every target its turn in every scenario."""
        self.kept.rounds.append({})
        with (
            self._everything(fresh=True) as (everyone, jupyters),
            targets.relay(everyone[0], self.cpu) as relay,
        ):
            jobs = scenarios.turns(self.share)
            for name, job in shuffled(list(jobs.items())):
                for target in shuffled([*everyone, *([] if name in ("mix100", "stock") else [relay])]):
                    self._turn(name, target, job)
            for target in shuffled(everyone[1:]):
                self._turn("leaving", target, scenarios.leaving(everyone[0]))
            procs.move(self.upstream, self.other)
            for target in shuffled([one for one in everyone[1:] if not one.slow]):
                homes = [each for each in jupyters if target in each.targets]
                self._isolation(target, [*homes, jupyters[-1]][0])

    def flat(self) -> None:
        """Look at the memory over very many requests, which come from the other CPU."""
        self.kept.rounds.append({})
        with self._everything(fresh=False) as (everyone, _):
            procs.move(self.upstream, self.other)
            for target in everyone[1:]:
                seconds = _FLAT_SECONDS if target.name == targets.FAST else _FLAT_SECONDS_OF_PEERS
                job = scenarios.aim(scenarios.many(self.share, seconds * self.share), target)
                self._keep("flat", target, self._wait(self._begin(job, self.other), seconds + _PATIENCE))

    def _memory(self, direct: Target, others: list[Target], home: Path) -> None:
        """Measure memory in fresh processes: one that has had many streams keeps what they took."""
        for target in others:
            self._memory_of(target)
        for port in (0, 1) if self.share == 1 else (0,):
            with targets.jupyter(direct, home / f"memory{port}", self.cpu) as jupyter:
                self._memory_of(jupyter.targets[port])

    def _memory_of(self, target: Target) -> None:
        """Measure after a few answers: what the first one of all takes belongs to no stream."""
        self._wait(self._begin(scenarios.aim(scenarios.few(), target), self.cpu))
        self._turn("memory", target, scenarios.memory(self.share))

    def _isolation(self, target: Target, jupyter: Jupyter) -> None:
        """Let Jupyter and the streams disturb each other; upstream and clients run on the other CPU."""
        seconds = 2 * self.share
        flow = dataclasses.replace(
            scenarios.aim(scenarios.streams(64, self.share), target), tokens=int(50 * (seconds + 1))
        )
        status = Job(f"{jupyter.url}/api/status", jupyter.headers, "GET", seconds=seconds, pause_ms=10)
        notebook = dataclasses.replace(
            status, url=f"{jupyter.url}/api/contents/{targets.NOTEBOOK}", pause_ms=300
        )
        self._keep("api idle", target, self._wait(self._begin(status, self.other)))
        self._keep("tokens quiet", target, self._wait(self._begin(flow, self.other)))
        _, asked = self._both(dataclasses.replace(flow, clients=256), status)
        self._keep("api busy", target, asked)
        flowed, _ = self._both(flow, notebook)
        self._keep("tokens busy", target, flowed)

    def _both(self, flow: Job, ask: Job) -> tuple[Result, Result]:
        """Run two jobs beside each other, the first one being under way when the second begins."""
        flowing = self._begin(flow, self.other)
        deadline = time.monotonic() + _SETTLING
        while time.monotonic() < deadline and targets.streams(self.direct) < flow.clients:
            time.sleep(0.1)
        asked = self._wait(self._begin(ask, self.other))
        return self._wait(flowing), asked

    def _turn(self, name: str, target: Target, job: Job) -> None:
        """Run one job against one target, all on the measured CPU."""
        pids = [self.upstream, *target.pids]
        before, busy = procs.cpu_seconds(pids), procs.busy_seconds(self.cpu)
        result = self._wait(self._begin(scenarios.aim(job, target), self.cpu))
        if "told" not in result:
            ours = procs.cpu_seconds(pids) - before + result["own_cpu"]
            others = (procs.busy_seconds(self.cpu) - busy - ours) / result["seconds"]
            self.kept.foreign.append(max(0.0, others))
        self._keep(name, target, result)

    def _settle(self, target: Target) -> float:
        """Wait until the books are kept, which would disturb the next turn; return the CPU time of that."""
        spent = 0.0
        deadline = time.monotonic() + _SETTLING
        while time.monotonic() < deadline:
            before = procs.cpu_seconds(target.pids)
            time.sleep(_NAP)
            step = procs.cpu_seconds(target.pids) - before
            spent += step
            if step < 0.05 * _NAP:
                break
        return spent

    def _keep(self, name: str, target: Target, result: Result) -> None:
        result.setdefault("cpu", {})["after"] = self._settle(target)
        self.kept.rounds[-1].setdefault(name, {})[target.name] = result

    def _begin(self, job: Job, cpu: int) -> subprocess.Popen[str]:
        command = [sys.executable, str(targets.HERE / job.by), json.dumps(dataclasses.asdict(job))]
        with procs.pinned(cpu):
            return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def _wait(self, process: subprocess.Popen[str], patience: float = _PATIENCE) -> Result:
        try:
            out, _ = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            procs.end(process)
            return {"told": f"not done after {patience:.0f} s"}
        if process.returncode:
            return {"told": f"the load generator ended with {process.returncode}"}
        result: Result = json.loads(out)
        return result


def shuffled(items: list[Any]) -> list[Any]:
    """Return the items in a random order."""
    return random.sample(items, len(items))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each target has its turns (3)")
    parser.add_argument("--quick", action="store_true", help="one short round: does everything work?")
    parser.add_argument(
        "--peers", action="store_true", help="measure vllm-router, LiteLLM, jupyter-server-proxy"
    )
    parser.add_argument("--flat", action="store_true", help="then look at the memory over a million requests")
    parser.add_argument(
        "--keep", type=Path, help="add all results to those in this JSON file, and show them all"
    )
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md and its picture")
    asked = parser.parse_args()
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    kept = Results.read(asked.keep)
    env = peers.environment() if asked.peers else None
    kept.preferred = procs.prefer()
    kept.peers = peers.versions(env) if env else kept.peers
    bench = Bench(0.1 if asked.quick else 1.0, env, kept)
    turns = [bench.round] * (1 if asked.quick else asked.rounds) + [bench.flat] * asked.flat
    for turn in turns:
        began = time.monotonic()
        turn()
        print(f"{turn.__name__}: {time.monotonic() - began:.0f} s", file=sys.stderr)
        kept.write(asked.keep)
    print(report.tables(kept))
    if asked.write:
        report.write(kept)
    failures = [
        text for name, text in kept.failures() if name in (targets.FAST, targets.THROUGH_JUPYTER, "direct")
    ]
    for failure in failures:
        print(f"FAILED {failure}", file=sys.stderr)
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
