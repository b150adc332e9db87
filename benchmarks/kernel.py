"""What the kernel's side costs, and what the extension adds to Jupyter's start.

``python benchmarks/kernel.py`` prints a table; ``--write`` writes docs/benchmarks-kernel.md. Leave the
machine alone meanwhile.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jupyter_start
import procs
import targets
from goals import Row, table
from jupyter_client.manager import KernelManager
from upstream import MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_client.blocking import BlockingKernelClient
    from targets import Target

SPEEDS = (20, 50, 400, 0)
"""Tokens a second of the answers that are rendered; 0 is as fast as they can be read."""
DOCUMENT = """\
# Benchmarks: the kernel's side and start-up

Made by `python benchmarks/kernel.py --rounds {rounds} --write` on {date}.
The machine: {machine}.

{table}

* **The stock client** is `openai.OpenAI()` without arguments in a real kernel, with a connection that is
  kept. It asks the fake model server itself and through us by turns; ratios and differences are those of
  neighbours, the medians of all. Kernel and data plane share one CPU, so that all our work adds to the time;
  the model server has another one. At 100 tokens a second an answer has 100 tokens, at full speed 1,000.
* **Imports** and `%load_ext` are timed in new processes and new kernels, with everything already on disk.
* **Jupyter's start** is the time from the start of `jupyter server` until it answers `/api/status`, with the
  extension and without it by turns: the median of the differences of neighbours. Every other extension of
  the environment, JupyterLab's among them, is loaded in both. Without ours it took {without:.0f} ms.
* **The magic** shows an answer of 2,000 tokens of Markdown, 8 kB, with code and mathematics in it. CPU time
  is what the kernel used from the cell's start to its end, less what it uses in as many seconds of rest;
  messages are all that a display got.
"""
CLIENT = """
import json, time
from openai import OpenAI

def ask(client, tokens, delay):
    began = time.perf_counter()
    stream = client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "Write."}], stream=True,
        extra_body={"x_tokens": tokens, "x_delay_ms": delay},
    )
    first, count = None, 0
    for event in stream:
        if event.choices and event.choices[0].delta.content:
            first = first or time.perf_counter()
            count += 1
    assert count == tokens, count
    return time.perf_counter() - began, first - began

ours, direct = OpenAI(), OpenAI(base_url=DIRECT, api_key="none")
def pairs(times, tokens, delay):
    for client in (ours, direct):
        ask(client, 10, 0)
    seen = []
    for number in range(times):
        turn = {}
        for client in ((ours, direct), (direct, ours))[number % 2]:
            turn[client is ours] = ask(client, tokens, delay)
        seen.append((turn[True], turn[False]))
    return seen
"""


@dataclass(frozen=True)
class Kernel:
    """A running kernel."""

    client: BlockingKernelClient

    def run(self, code: str) -> list[dict[str, Any]]:
        """Run a cell; return the messages that it published."""
        messages: list[dict[str, Any]] = []
        reply = self.client.execute_interactive(code, timeout=300, output_hook=messages.append)
        if reply["content"]["status"] != "ok":
            raise RuntimeError("\n".join(reply["content"]["traceback"]))
        return messages

    def value(self, expression: str) -> Any:
        """Return what a literal is in the kernel."""
        (message,) = (each for each in self.run(expression) if each["msg_type"] == "execute_result")
        return ast.literal_eval(message["content"]["data"]["text/plain"])


@contextlib.contextmanager
def kernel(ours: Target, cpu: int) -> Iterator[Kernel]:
    """Start a kernel that finds the server as those of the server do."""
    url, key = ours.url.removesuffix("/chat/completions"), ours.headers["authorization"].split()[1]
    names = {"FIRST_BASE_URL": url, "FIRST_API_KEY": key, "OPENAI_BASE_URL": url, "OPENAI_API_KEY": key}
    manager = KernelManager()
    with procs.pinned(cpu):
        manager.start_kernel(env=os.environ | names | {"NO_PROXY": "127.0.0.1"})
    client = manager.client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=60)
        yield Kernel(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@contextlib.contextmanager
def served(program: str) -> Iterator[tuple[Target, Target, int]]:
    """Start a model server and a Jupyter server; give the ways to it, direct and ours, and the CPU."""
    cpu, other = procs.cpus()
    with (
        tempfile.TemporaryDirectory() as home,
        targets.upstream(other, program) as (direct, _),
        targets.jupyter(direct, Path(home), cpu) as jupyter,
    ):
        yield direct, jupyter.targets[0], cpu


def stock_client(rounds: int) -> list[Row]:
    """Ask by OpenAI's own client, directly and through us."""
    rows = []
    with served("upstream.py") as (direct, ours, cpu), kernel(ours, cpu) as asking:
        asking.run(f"MODEL, DIRECT = {MODEL!r}, {direct.url.removesuffix('/chat/completions')!r}\n{CLIENT}")
        for name, tokens, delay in (("at 100 tokens/s", 100, 10), ("at full speed", 1000, 0)):
            pairs = asking.value(f"pairs({6 * rounds}, {tokens}, {delay})")
            ratio = statistics.median(mine[0] / plain[0] for mine, plain in pairs)
            later = statistics.median(mine[1] - plain[1] for mine, plain in pairs)
            rows += [
                Row(f"stock client {name}: time in all, to direct", ratio, 1.02, digits=3),
                Row(f"stock client {name}: first token, later by", 1000 * later, 1, " ms", 2),
            ]
    return rows


def imports(rounds: int) -> list[Row]:
    """Import the package, load the magics."""
    timed = "import sys, time; t = time.perf_counter(); import first_jupyter; t = time.perf_counter() - t;"
    command = [sys.executable, "-c", f"{timed} print(t, 'openai' in sys.modules)"]
    seen = [
        subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        for _ in range(3 * rounds)
    ]
    assert {openai for _, openai in seen} == {"False"}
    loads = []
    with served("upstream.py") as (_, ours, cpu):
        for _ in range(rounds):
            with kernel(ours, cpu) as fresh:
                fresh.run(
                    "import time; t = time.perf_counter()\n%load_ext first_jupyter\nt -= time.perf_counter()"
                )
                loads.append(-fresh.value("t"))
    return [
        Row("`import first_jupyter`", 1000 * statistics.median(float(time) for time, _ in seen), 80, " ms"),
        Row("`%load_ext first_jupyter`", 1000 * statistics.median(loads), 150, " ms"),
    ]


def magic(rounds: int) -> list[Row]:
    """Show long answers."""
    rows = []
    with served("writer.py") as (_, ours, cpu), kernel(ours, cpu) as fresh:
        fresh.run("import time\n%load_ext first_jupyter")
        fresh.run(f"%%first {MODEL}\n10 tokens, 0 a second")
        rest = spent(fresh, "time.sleep(10)")[0] / 10
        for speed in SPEEDS:
            cell = f"%%first {MODEL} --no-history\n2000 tokens, {speed} a second"
            cpu_time, messages = [], []
            for _ in range(1 if speed and speed < 100 else rounds):
                used, seconds, shown = spent(fresh, cell)
                cpu_time.append(used - rest * seconds)
                messages.append(sum("display" in each["msg_type"] for each in shown))
            name = f"2,000 tokens at {speed or 'full speed'}{' tokens/s' if speed else ''}"
            rows += [
                Row(f"{name}: the kernel's CPU", statistics.median(cpu_time), 0.3, " s", 2),
                Row(f"{name}: display messages", max(messages), 120),
            ]
    return rows


def spent(fresh: Kernel, cell: str) -> tuple[float, float, list[dict[str, Any]]]:
    """Run a cell; return the CPU time and the time that it took, and its messages."""
    clocks = "(time.process_time(), time.perf_counter())"
    before = fresh.value(clocks)
    messages = fresh.run(cell)
    used, passed = (after - then for after, then in zip(fresh.value(clocks), before, strict=True))
    return used, passed, messages


def main() -> None:
    """Measure, print, and write if told to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=["client", "imports", "start", "magic"], help="one part alone")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    procs.prefer()
    rows, without = [], 0.0
    if asked.only in (None, "client"):
        rows += stock_client(asked.rounds)
    if asked.only in (None, "imports"):
        rows += imports(asked.rounds)
    if asked.only in (None, "start"):
        added, without = jupyter_start.measure(asked.rounds)
        rows.append(Row("Jupyter's start: added", added, 150, " ms"))
    if asked.only in (None, "magic"):
        rows += magic(asked.rounds)
    print(figures := table(rows))
    if asked.write:
        words = {"date": procs.today(), "machine": procs.machine(), "rounds": asked.rounds}
        text = DOCUMENT.format(table=figures, without=without, **words)
        (targets.HERE.parent / "docs" / "benchmarks-kernel.md").write_text(text)


if __name__ == "__main__":
    main()
