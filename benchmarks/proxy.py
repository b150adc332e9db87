"""Measure our proxy against a direct connection and nginx: ``python benchmarks/proxy.py [--quick]``."""

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

import procs
import report
import targets
from load import Job

if TYPE_CHECKING:
    from report import Result, Round
    from targets import Jupyter, Target

_DOCUMENT = targets.HERE.parent / "docs" / "benchmarks.md"
_PATIENCE = 120
_NAP = 0.2


class Bench:
    """The rounds, and what went wrong in them.

    Parameters
    ----------
    share
        How much of its full time each turn takes.
    """

    def __init__(self, share: float) -> None:
        self.share = share
        self.cpu, self.other = procs.cpus()
        self.rounds: list[Round] = []
        self.failures: list[str] = []
        self.foreign: list[float] = []
        self.upstream = 0

    def round(self) -> None:
        """Start everything afresh and give every target its turn in every scenario."""
        self.rounds.append({})
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
            home = Path(folder)
            direct, self.upstream = stack.enter_context(targets.upstream(self.cpu))
            nginx = stack.enter_context(targets.nginx(direct, home / "nginx", self.cpu))
            self._memory(direct, nginx, home)
            jupyter = stack.enter_context(targets.jupyter(direct, home / "jupyter", self.cpu))
            everyone = [direct, *([nginx] if nginx else []), *jupyter.ours]
            for name, job in shuffled(list(self._scenarios().items())):
                for target in shuffled(everyone):
                    self._turn(name, target, job)
            procs.move(self.upstream, self.other)
            for target in shuffled(list(jupyter.ours)):
                self._isolation(target, jupyter)

    def _scenarios(self) -> dict[str, Job]:
        """Return the jobs that every target gets."""
        seconds = 3 * self.share
        return {
            "ns1": Job("", clients=1, seconds=seconds),
            "ns8": Job("", clients=8, seconds=seconds),
            "ns64": Job("", clients=64, seconds=seconds),
            "ttft1": Job("", clients=1, seconds=seconds, stream=True, tokens=8, delay_ms=2),
            "st64": self._streams(64),
            "st256": self._streams(256),
        }

    def _streams(self, clients: int) -> Job:
        """Return one answer a client, 50 tokens a second."""
        return Job("", clients=clients, requests=1, stream=True, tokens=int(250 * self.share), delay_ms=20)

    def _memory(self, direct: Target, nginx: Target | None, home: Path) -> None:
        """Measure memory in fresh processes: one that has had many streams keeps what they took."""
        slow = max(200.0, 1000 * self.share)
        job = dataclasses.replace(self._streams(1000), tokens=4, delay_ms=slow, warm=False, memory=True)
        if nginx:
            self._turn("memory", nginx, job)
        for port in (0, 1) if self.share == 1 else (0,):
            with targets.jupyter(direct, home / f"memory{port}", self.cpu) as jupyter:
                self._turn("memory", jupyter.ours[port], job)

    def _isolation(self, target: Target, jupyter: Jupyter) -> None:
        """Let Jupyter and our streams disturb each other; upstream and clients run on the other CPU."""
        seconds = 4 * self.share
        flow = dataclasses.replace(aim(self._streams(64), target), tokens=int(50 * (seconds + 1)))
        kernels = Job(f"{jupyter.url}/api/kernels", jupyter.headers, "GET", seconds=seconds, pause_ms=10)
        notebook = dataclasses.replace(
            kernels, url=f"{jupyter.url}/api/contents/{targets.NOTEBOOK}", pause_ms=300
        )
        self._keep("api idle", target, self._wait(self._begin(kernels, self.other)))
        self._keep("tokens quiet", target, self._wait(self._begin(flow, self.other)))
        _, asked = self._both(dataclasses.replace(flow, clients=256), kernels)
        self._keep("api busy", target, asked)
        flowed, _ = self._both(flow, notebook)
        self._keep("tokens busy", target, flowed)

    def _both(self, flow: Job, ask: Job) -> tuple[Result, Result]:
        """Run two jobs beside each other, the first one being under way when the second begins."""
        flowing = self._begin(flow, self.other)
        time.sleep(0.5)
        asked = self._wait(self._begin(ask, self.other))
        return self._wait(flowing), asked

    def _turn(self, name: str, target: Target, job: Job) -> None:
        """Run one job against one target, all on the measured CPU."""
        pids = [self.upstream, *target.pids]
        before, busy = procs.cpu_seconds(pids), procs.busy_seconds(self.cpu)
        result = self._wait(self._begin(aim(job, target), self.cpu))
        ours = procs.cpu_seconds(pids) - before + result["own_cpu"]
        others = (procs.busy_seconds(self.cpu) - busy - ours) / result["seconds"]
        self.foreign.append(max(0.0, others))
        self._keep(name, target, result)

    def _settle(self, target: Target) -> float:
        """Wait until the books are kept, which would disturb the next turn; return the CPU time of that."""
        spent = 0.0
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            before = procs.cpu_seconds(target.pids)
            time.sleep(_NAP)
            step = procs.cpu_seconds(target.pids) - before
            spent += step
            if step < 0.05 * _NAP:
                break
        return spent

    def _keep(self, name: str, target: Target, result: Result) -> None:
        result["cpu"]["after"] = self._settle(target)
        self.rounds[-1].setdefault(name, {})[target.name] = result

    def _begin(self, job: Job, cpu: int) -> subprocess.Popen[str]:
        command = [sys.executable, str(targets.HERE / "load.py"), json.dumps(dataclasses.asdict(job))]
        with procs.pinned(cpu):
            return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def _wait(self, process: subprocess.Popen[str]) -> Result:
        try:
            out, _ = process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            procs.end(process)
            raise
        if process.returncode:
            raise SystemExit(process.returncode)
        result: Result = json.loads(out)
        self.failures += result["failures"]
        return result


def aim(job: Job, target: Target) -> Job:
    """Return the job with the target's address."""
    return dataclasses.replace(job, url=target.url, headers=target.headers, watch=target.watch)


def shuffled(items: list[Any]) -> list[Any]:
    """Return the items in a random order."""
    return random.sample(items, len(items))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each target has its turns (3)")
    parser.add_argument("--quick", action="store_true", help="one short round: does everything work?")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--raw", type=Path, help="write all results to this JSON file")
    asked = parser.parse_args()
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    preferred = procs.prefer()
    bench = Bench(0.1 if asked.quick else 1.0)
    rounds = 1 if asked.quick else asked.rounds
    for number in range(rounds):
        began = time.monotonic()
        bench.round()
        print(f"round {number + 1} of {rounds}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    tables = report.tables(bench.rounds)
    print(tables)
    if asked.raw:
        asked.raw.write_text(json.dumps(bench.rounds))
    if asked.write:
        _DOCUMENT.write_text(report.document(tables, rounds, bench.foreign, preferred=preferred))
    for failure in bench.failures:
        print(f"FAILED {failure}", file=sys.stderr)
    return bool(bench.failures)


if __name__ == "__main__":
    sys.exit(main())
