"""Slurm's waiting jobs, from squeue (https://slurm.schedmd.com/squeue.html)."""

from __future__ import annotations

import subprocess
from datetime import datetime

from .protocol import QueuedJob
from .scheduler_command import Commands

__all__ = ["jobs"]

COMMENT = "first-jupyter"


def jobs(ask: Commands) -> list[QueuedJob]:
    """Return our jobs that wait, each with its place in its partition."""
    listing = ask("squeue", "--me", "-h", "-t", "PD", "--sort=i", "--format=%i|%P|%r|%S|%k")
    rows = [line.strip().split("|", 4) for line in listing.splitlines()]
    ours = [row[:4] for row in rows if len(row) == 5 and row[4] == COMMENT]
    lines = {partition: line(ask, partition) for partition in {row[1] for row in ours}}
    return [
        QueuedJob(
            job, partition, lines[partition].get(job), "" if reason == "None" else reason, moment(start)
        )
        for job, partition, reason, start in ours
    ]


def line(ask: Commands, partition: str) -> dict[str, int]:
    """Return the places of the jobs that wait in a partition, as far as the site lets one see them."""
    try:
        listing = ask("squeue", "-h", "-t", "PD", "-p", partition, "--sort=-p,i", "--format=%i")
    except (OSError, subprocess.SubprocessError):
        return {}
    return {job.strip(): place for place, job in enumerate(listing.splitlines(), start=1)}


def moment(text: str) -> float | None:
    """Return an expected start in seconds since the epoch; squeue tells it in this machine's time."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
