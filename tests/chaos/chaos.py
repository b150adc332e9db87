"""Kills and stops everything at random moments under 200 streams: ``make chaos``.

Each answer is held against what it has to be. It fails where an answer was cut without a word, where
a reader was left hanging, and where something is missing that had been acknowledged.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from books import Batches, Ledger
from chaos_report import Run, read, summary
from demo_words import Clock, say, title
from faults import BACK, FAULTS, STOPS, Fault, Happened, happen
from world import World

QUIET = 20.0
"""Seconds before the first fault, which tell how things are without one."""

LONGEST = 10.0
"""Seconds for which the next fault waits for the part to be back; what takes longer is watched beside it."""


def run(
    world: World, ledger: Ledger, given: argparse.Namespace, chance: random.Random, faults: Sequence[Fault]
) -> list[Happened]:
    """Let chaos reign: all faults in a random order, again and again."""
    begun, all_of_them = time.monotonic(), []
    ahead: list[Fault] = []
    time.sleep(QUIET)
    while time.monotonic() < begun + given.seconds:
        if not ahead:
            ahead = chance.sample(faults, len(faults))
        fault = ahead.pop()
        if not fault.needs(world):
            time.sleep(0.5)
            continue
        ledger.look()
        say(f"{time.monotonic() - begun:6.1f} s  {fault.name}")
        all_of_them.append(happened := happen(world, fault, given.stop))
        happened.wait(LONGEST)
        back = (
            f"not back yet after {LONGEST:g} s"
            if happened.part is None
            else f"back after {happened.part:.1f} s"
        )
        say(f"          {back}")
        time.sleep(chance.uniform(*given.pause))
    for happened in all_of_them:
        happened.wait(BACK)
    return all_of_them


def main() -> None:
    """Run it, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long (%(default)s)")
    parser.add_argument("--streams", type=int, default=200, help="streams that are always open (%(default)s)")
    parser.add_argument("--real", type=int, default=2, help="of these at the real model (%(default)s)")
    parser.add_argument("--stop", type=float, default=60.0, help="seconds of a SIGSTOP (%(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="the seed of an earlier run")
    parser.add_argument("--out", type=Path, help="where the summary is written, too")
    parser.add_argument("--keep", action="store_true", help="keep the folder with all logs")
    given = parser.parse_args()
    given.pause = (5.0, 12.0)
    seed = random.SystemRandom().randrange(2**31) if given.seed is None else given.seed
    say(f"seed {seed} (make chaos CHAOS_ARGS='--seed {seed}')")
    clock = Clock()
    place = Path(tempfile.mkdtemp(prefix="first-chaos-"))
    with World(place, given.streams - given.real, given.real) as world:
        clock.done("Jupyter, three clusters, and readers")
        title(f"{given.streams} streams, {given.seconds:.0f} s")
        ledger = Ledger(world)
        load = os.getloadavg()[0]
        with Batches(world) as batches:
            happened = run(world, ledger, given, random.Random(seed), FAULTS * 2 + STOPS)
        over = time.monotonic()
        world.stop_readers()
        time.sleep(1)
        loads = (load, os.getloadavg()[0])
        ended = Run(given.streams, seed, happened, over, *read(place), ledger, batches, loads)
        text, broken = summary(ended), ended.broken()  # while the ledger is there
    title("What came of it")
    say(text)
    if given.out:
        given.out.write_text(text)
    if given.keep:
        say(f"All logs: {place}")
    else:
        shutil.rmtree(place, ignore_errors=True)
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
