"""Checks of the scheduler: its commands, and whether it lets a job live as long as it is meant to."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from first_jupyter_remote.protocol.finding import fail, ok, warn

from .subject import answer

if TYPE_CHECKING:
    from first_jupyter_remote.protocol.finding import Finding

    from .subject import Subject

__all__ = ["check_commands", "check_walltime", "longest_pbs", "longest_slurm"]

COMMANDS = {"slurm": ("sbatch", "squeue", "scancel"), "pbs": ("qsub", "qstat", "qdel")}


def check_commands(subject: Subject) -> Finding:
    """See whether jobs can be submitted from here."""
    path = subject.environment.get("PATH")
    there = {
        kind: [name for name in names if shutil.which(name, path=path)] for kind, names in COMMANDS.items()
    }
    kind = subject.scheduler
    if kind == "local":
        return ok("none needed: jobs run on this machine")
    if kind:
        if missing := sorted(set(COMMANDS[kind]) - set(there[kind])):
            return fail(
                f"no {', '.join(missing)} on PATH",
                "Run the endpoint where jobs are submitted, and correct PATH in user_environment.yaml.",
            )
        return ok(", ".join(there[kind]))
    if found := [name for names in there.values() for name in names]:
        return ok(", ".join(found))
    return warn("neither Slurm nor PBS on PATH", "Models can run on this machine alone: --scheduler local.")


def check_walltime(subject: Subject) -> Finding:
    """Compare the walltime with what the queue allows."""
    if subject.scheduler not in COMMANDS:
        return ok("no limit")
    if subject.scheduler == "slurm":
        limits = slurm_limits(subject)
    else:
        text = answer(["qstat", "-Qf", *([subject.queue] if subject.queue else [])], subject.environment)
        limits = longest_pbs(text) if text else {}
    if not limits:
        return warn(
            f"the scheduler does not tell the limits of {subject.queue or 'its queues'}",
            "Compare the walltime with the site's documentation.",
        )
    listed = ", ".join(f"{name} {'unlimited' if top is None else spell(top)}" for name, top in limits.items())
    top = limits.get(subject.queue or "", None)
    if subject.walltime and top is not None and subject.walltime > top:
        return fail(
            f"jobs of {spell(subject.walltime)} are asked for, and {subject.queue} allows {spell(top)}",
            f"Deploy again with --walltime {spell(top)} or less, or another --queue.",
        )
    return ok(listed)


def slurm_limits(subject: Subject) -> dict[str, int | None]:
    """Ask Slurm for the limits of the partition, or of the QOS."""
    if subject.queue and subject.queue_is == "qos":
        argv = ["sacctmgr", "-nP", "show", "qos", subject.queue, "format=name,maxwall"]
        text = answer(argv, subject.environment) or ""
        rows = [line.split("|") for line in text.splitlines() if "|" in line]
        return {name: slurm_minutes(top) for name, top, *_ in rows}
    argv = ["scontrol", "-o", "show", "partition", *([subject.queue] if subject.queue else [])]
    return longest_slurm(answer(argv, subject.environment) or "")


def longest_slurm(text: str) -> dict[str, int | None]:
    """Return each partition's limit in minutes from ``scontrol -o show partition``; None is no limit."""
    limits = {}
    for line in text.splitlines():
        name, top = re.search(r"PartitionName=(\S+)", line), re.search(r"MaxTime=(\S+)", line)
        if name and top:
            limits[name[1]] = slurm_minutes(top[1])
    return limits


def longest_pbs(text: str) -> dict[str, int | None]:
    """Return each queue's limit in minutes from ``qstat -Qf``; None is no limit."""
    limits: dict[str, int | None] = {}
    name = ""
    for line in text.splitlines():
        if found := re.match(r"\s*Queue:\s*(\S+)", line):
            name = found[1]
            limits[name] = None
        elif found := re.match(r"\s*resources_max\.walltime\s*=\s*(\d+):(\d+)", line):
            limits[name] = int(found[1]) * 60 + int(found[2])
    return limits


def slurm_minutes(value: str) -> int | None:
    """Return ``D-HH:MM:SS``, ``HH:MM:SS`` or minutes as minutes; None where there is no limit."""
    found = re.fullmatch(r"(?:(\d+)-)?(\d+):(\d+):(\d+)", value)
    if found:
        return int(found[1] or 0) * 1440 + int(found[2]) * 60 + int(found[3])
    return int(value) if value.isdigit() else None


def spell(minutes: int) -> str:
    """Return minutes as ``HH:MM:SS``."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}:00"
