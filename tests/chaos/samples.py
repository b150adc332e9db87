"""What the processes that live long take, every few seconds, and whether it stays the same."""

from __future__ import annotations

import contextlib
import csv
import threading
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from statistics import median
from typing import Self

from world import World

__all__ = ["MEASURES", "Sample", "Sampler", "flatness", "read"]

EVERY = 5.0
WARM_UP = 0.2
"""The share of a run that is left out before its first third is compared with its last."""

MEASURES = {
    "memory": "memory of its own (PSS), MB",
    "descriptors": "descriptors",
    "threads": "threads",
    "children": "child processes",
    "tasks": "asyncio tasks",
}
ALLOWED = {"memory": (0.05, 2.0)}
MORE = (0.1, 2.0)
"""By which share, and by how much besides, the last third may be above the first one."""


@dataclass
class Sample:
    """One process at one moment, seconds after the beginning."""

    at: float
    process: str
    pid: int
    memory: float
    descriptors: int
    threads: int
    children: int
    tasks: int


class Sampler:
    """Takes samples beside all that happens, and writes them into a file as it goes."""

    def __init__(self, world: World, tasks: Path, file: Path) -> None:
        self._world, self._tasks, self._file = world, tasks, file
        self._over = threading.Event()

    def __enter__(self) -> Self:
        """Begin."""
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take no more."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        begun = time.monotonic()
        with self._file.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(field.name for field in fields(Sample))
            while not self._over.wait(EVERY):
                for sample in self._now(time.monotonic() - begun):
                    rows.writerow(astuple(sample))
                file.flush()

    def _now(self, at: float) -> Iterator[Sample]:
        for process, pid in self._processes().items():
            with contextlib.suppress(OSError):
                yield self._sample(at, process, pid)

    def _processes(self) -> dict[str, int]:
        world = self._world
        found = {"Jupyter server": world.jupyter.process.pid}
        modules = {"data plane": "dataplane", "process of batches": "batch"}
        for process, module in modules.items():
            for pid in world.processes_of(f"first_jupyter_server.{module}"):
                found[process] = pid
        if record := world.replica("laptop"):
            found["node agent"] = record["pid"]
        return found

    def _sample(self, at: float, process: str, pid: int) -> Sample:
        place = Path("/proc") / str(pid)
        said = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
        # Pages of files are left out: a process has more of them once others have ended that share them.
        own = next(
            line for line in (place / "smaps_rollup").read_text().splitlines() if line.startswith("Pss_Anon:")
        )
        children = [(task / "children").read_text().split() for task in (place / "task").iterdir()]
        tasks = self._tasks / str(pid)
        return Sample(
            round(at, 1),
            process,
            pid,
            int(own.split()[1]) / 1024,
            len(list((place / "fd").iterdir())),
            int(said["Threads"]),
            sum(map(len, children)),
            int(tasks.read_text() or 0) if tasks.exists() else 0,
        )


def read(file: Path) -> list[Sample]:
    """Read what was written."""
    with file.open(newline="") as rows:
        kinds = {"process": str, "at": float, "memory": float}
        return [
            Sample(**{key: kinds.get(key, int)(value) for key, value in row.items()})
            for row in csv.DictReader(rows)
        ]


def flatness(samples: list[Sample]) -> Iterator[tuple[str, str, float, float, bool]]:
    """Yield each process and measure, the medians of its first and last third, and whether it is flat.

    What the processes warm up with is left out.
    """
    for process in dict.fromkeys(each.process for each in samples):
        its = [each for each in samples if each.process == process]
        begin, end = its[0].at, its[-1].at
        begin += (end - begin) * WARM_UP
        third = (end - begin) / 3
        for measure in MEASURES:
            first = median(getattr(each, measure) for each in its if begin <= each.at <= begin + third)
            last = median(getattr(each, measure) for each in its if each.at >= end - third)
            share, besides = ALLOWED.get(measure, MORE)
            yield process, measure, first, last, last <= first * (1 + share) + besides
