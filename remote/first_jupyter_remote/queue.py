"""The batch jobs of ours that wait for their nodes, as the scheduler tells of them."""

from __future__ import annotations

import shutil

from . import queue_pbs, queue_slurm
from .protocol import QueuedJob
from .scheduler_command import Commands

__all__ = ["waiting_jobs"]

LIMIT = 10.0


def waiting_jobs() -> list[QueuedJob]:
    """Return them, the oldest first; none where there is no scheduler, or it does not answer in time."""
    ask = Commands(LIMIT)
    for command, jobs in (("squeue", queue_slurm.jobs), ("qstat", queue_pbs.jobs)):
        if shutil.which(command):
            try:
                return jobs(ask)
            except Exception:  # noqa: BLE001  (whatever a site's scheduler says, the look at the records goes on)
                return []
    return []
