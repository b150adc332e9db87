"""Runs it all for an hour at a moderate load while parts fail, and sees that nothing grows: ``make soak``.

The Jupyter server, the data plane, the process of batches and one node agent live all the time, so that what
they take can be compared; all around them is killed and stopped.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from books import Batches, Ledger
from chaos import run
from chaos_report import Run, read, summary
from demo_words import Clock, say, title
from faults import FAULTS, STOPS
from samples import Sampler, flatness
from samples import read as read_samples
from soak_plot import draw
from world import World

AROUND = (
    "kill -9 of an inference server with a node agent",
    "kill -9 of an inference server without one",
    "kill -9 of a node agent in a Slurm job",
    "kill -9 of the endpoint",
    "kill -9 of the broker",
    "SIGSTOP of a replica",
)


def main() -> None:
    """Run it, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600.0, help="how long (%(default)s)")
    parser.add_argument("--streams", type=int, default=40, help="streams that are always open (%(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="the seed of an earlier run")
    parser.add_argument(
        "--out", type=Path, default=Path("soak"), help="where it is written (%(default)s.csv …)"
    )
    given = parser.parse_args()
    given.pause, given.stop = (15.0, 45.0), 20.0
    seed = random.SystemRandom().randrange(2**31) if given.seed is None else given.seed
    place, clock = Path(tempfile.mkdtemp(prefix="first-chaos-")), Clock()
    tasks, csv = place / "tasks", given.out.with_suffix(".csv")
    tasks.mkdir()
    with World(place, given.streams - 1, 1, FIRST_TEST_TASKS=str(tasks)) as world:
        clock.done("Jupyter, three clusters, and readers")
        title(f"{given.streams} streams, {given.seconds:.0f} s; seed {seed}")
        ledger = Ledger(world)
        load = os.getloadavg()[0]
        faults = [fault for fault in (*FAULTS, *STOPS) if fault.name in AROUND]
        with Sampler(world, tasks, csv), Batches(world) as batches:
            happened = run(world, ledger, given, random.Random(seed), faults)
        over = time.monotonic()
        world.stop_readers()
        time.sleep(1)
        loads = (load, os.getloadavg()[0])
        ended = Run(given.streams, seed, happened, over, *read(place), ledger, batches, loads)
        text, broken = summary(ended), ended.broken()  # while the ledger is there
    shutil.rmtree(place, ignore_errors=True)
    samples = read_samples(csv)
    draw(samples, [each.at - (over - samples[-1].at) for each in happened], given.out.with_suffix(".svg"))
    flat = list(flatness(samples))
    lines = ["| process | what | first third | last third | |", "| --- | --- | --- | --- | --- |"]
    for process, measure, first, last, is_flat in flat:
        lines.append(
            f"| {process} | {measure} | {first:.1f} | {last:.1f} | {'flat' if is_flat else 'GREW'} |"
        )
    title("What came of it")
    text = "\n".join(lines) + "\n\n" + text
    say(text)
    given.out.with_suffix(".md").write_text(text)
    sys.exit(bool(broken) or not all(is_flat for *_, is_flat in flat))


if __name__ == "__main__":
    main()
