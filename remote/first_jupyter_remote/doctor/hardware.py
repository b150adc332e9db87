"""Checks of the machine: GPUs and their driver, shared memory, open files."""

from __future__ import annotations

import math
import resource
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from first_jupyter_remote.protocol.finding import ok, warn

from .subject import answer

if TYPE_CHECKING:
    from first_jupyter_remote.protocol.finding import Finding

    from .subject import Subject

__all__ = ["check_gpus", "check_open_files", "check_shared_memory"]

GIB = 1 << 30
SHM = "/dev/shm"  # noqa: S108
SHARED_MEMORY = 4 * GIB
OPEN_FILES, OPEN_FILES_NOW = 16384, 4096
NVIDIA = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
OTHERS = {
    "AMD": ["rocm-smi", "--showproductname", "--csv"],
    "Intel": ["xpu-smi", "discovery", "--dump", "1,2"],
}


def check_gpus(subject: Subject) -> Finding:
    """See which GPUs there are."""
    if rows := answer(NVIDIA, subject.environment):
        return ok(nvidia(rows))
    for maker, argv in OTHERS.items():
        if rows := answer(argv, subject.environment):
            return ok(f"{maker}: {max(0, len(rows.splitlines()) - 1)} GPUs")
    on = ", /dev/nvidia0 is there but nvidia-smi does not answer" if Path("/dev/nvidia0").exists() else ""
    return warn(
        f"none on this machine{on}",
        "A login node often has none: run first-remote doctor inside a job to see a compute node's.",
    )


def nvidia(rows: str) -> str:
    """Return nvidia-smi's table in one line, equal GPUs counted."""
    kinds: dict[str, int] = {}
    driver = ""
    for row in rows.splitlines():
        name, memory, driver = ([part.strip() for part in row.split(",")] + ["", ""])[:3]
        kinds[f"{name} {memory}"] = kinds.get(f"{name} {memory}", 0) + 1
    return ", ".join(f"{count} x {kind}" for kind, count in kinds.items()) + f", driver {driver}"


def check_shared_memory(_: Subject) -> Finding:
    """See whether GPU processes of one server can talk through shared memory."""
    try:
        total = shutil.disk_usage(SHM).total
    except OSError as error:
        return warn(f"{SHM} cannot be read: {error.strerror}", "A model on several GPUs needs it.")
    found = f"{SHM} has {total / GIB:.1f} GiB"
    if total < SHARED_MEMORY:
        return warn(
            found, "A model on several GPUs may need more; in a container: --shm-size=16g or --ipc=host."
        )
    return ok(found)


def check_open_files(_: Subject) -> Finding:
    """See how many connections a server may hold."""
    return judge_open_files(*resource.getrlimit(resource.RLIMIT_NOFILE))


def judge_open_files(soft: float, hard: float) -> Finding:
    """Say whether limits on open files are enough; -1 is no limit."""
    soft, hard = (math.inf if limit == resource.RLIM_INFINITY else limit for limit in (soft, hard))
    found = f"{soft} open files, at most {hard}".replace("inf", "unlimited")
    if hard < OPEN_FILES:
        return warn(found, f"Ask for {OPEN_FILES} or more in limits.conf; a request takes about four.")
    if soft < OPEN_FILES_NOW:
        return warn(found, f"Put `ulimit -n {OPEN_FILES}` into the file of --worker-init.")
    return ok(found)
