"""What the kernel knows of our processes: CPU time, memory, where they may run; and the machine in words."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PROC = Path("/proc")


def cpus() -> tuple[int, int]:
    """Return the CPU that is measured and the one beside it, the same one where there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[-1], allowed[0]


@contextlib.contextmanager
def pinned(cpu: int) -> Iterator[None]:
    """Let processes started inside run on ``cpu`` alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def move(pid: int, cpu: int) -> None:
    """Let all threads of a running process run on ``cpu`` alone."""
    for task in (_PROC / str(pid) / "task").iterdir():
        os.sched_setaffinity(int(task.name), {cpu})


def prefer() -> bool:
    """Raise the priority of this process and those it starts, where that is allowed."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    except PermissionError:
        return False
    return True


def tree(pid: int) -> list[int]:
    """Return the process and all that descend from it."""
    below: dict[int, list[int]] = {}
    for stat in _PROC.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = stat.read_text().rpartition(")")[2].split()[1]
            below.setdefault(int(parent), []).append(int(stat.parent.name))
    found = [pid]
    for one in found:
        found += below.get(one, [])
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the CPU time the processes' living threads have used, to the nanosecond."""
    total = 0
    for pid in pids:
        for task in (_PROC / str(pid) / "task").iterdir():
            with contextlib.suppress(FileNotFoundError):  # a thread that has just ended
                total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def memory_kb(pids: Iterable[int]) -> dict[str, int]:
    """Return the processes' resident memory, and the same with shared pages divided among who shares them."""
    total = {"rss": 0, "pss": 0}
    for pid in pids:
        for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            name = line.partition(":")[0].lower()
            if name in total:
                total[name] += int(line.split()[1])
    return total


def busy_seconds(cpu: int) -> float:
    """Return how long ``cpu`` has been busy with anything, in steps of about 10 ms."""
    for line in (_PROC / "stat").read_text().splitlines():
        name, *ticks = line.split()
        if name == f"cpu{cpu}":
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, ticks[:8])
            return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    raise LookupError(f"/proc/stat has no cpu{cpu}")


def machine() -> str:
    """Return the machine in words."""
    names = [
        line.partition(":")[2].strip()
        for line in (_PROC / "cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    cores = len(os.sched_getaffinity(0))
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = f"{platform.python_implementation()} {platform.python_version()}"
    kernel = platform.release().partition("-")[0]
    return (
        f"{cores} core{'s' * (cores != 1)} ({names[0] if names else platform.machine()}), {memory:.0f} GiB, "
        f"{system}, Linux {kernel}, {python}"
    )


def today() -> str:
    """Return the date."""
    return dt.datetime.now(dt.UTC).date().isoformat()


def end(process: subprocess.Popen[str]) -> None:
    """End a process that we started, kindly at first."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        print(f"{process.args!r} did not end in 10 s and is killed", file=sys.stderr)
        process.kill()
        process.wait()
