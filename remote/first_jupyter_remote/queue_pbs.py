"""PBS's waiting jobs, from qselect and qstat (PBS Professional's Reference Guide, chapter 2)."""

from __future__ import annotations

import getpass
import json
import re
import time
from typing import Any

from .protocol import QueuedJob
from .scheduler_command import Commands

__all__ = ["jobs"]

MARK = "FIRST_JUPYTER"


def jobs(ask: Commands) -> list[QueuedJob]:
    """Return our jobs that wait. PBS tells nobody's place: which job is next depends on the site's policy."""
    # First the names, for full answers about all jobs of a large machine weigh megabytes.
    names = ask("qselect", "-u", getpass.getuser(), "-s", "Q").split()
    if not names:
        return []
    told = json.loads(ask("qstat", "-f", "-F", "json", *names), strict=False).get("Jobs", {})
    found = [job(name, fields) for name, fields in told.items() if is_ours(fields)]
    return sorted(found, key=lambda each: number(each.job))


def is_ours(fields: dict[str, Any]) -> bool:
    """Say whether a job is one of ours and waits; PBS writes values that look like numbers as numbers."""
    variables = fields.get("Variable_List") or {}
    return fields.get("job_state") == "Q" and str(variables.get(MARK)) == "1"


def job(name: str, fields: dict[str, Any]) -> QueuedJob:
    """Return a job by its attributes."""
    estimated = fields.get("estimated") or {}
    start = estimated.get("start_time", fields.get("estimated.start_time"))
    return QueuedJob(name, fields.get("queue", ""), None, fields.get("comment", ""), moment(start))


def number(name: str) -> int:
    """Return the number that a job's name begins with, which grows from job to job."""
    found = re.match(r"\d+", name)
    return int(found[0]) if found else 0


def moment(told: str | float | None) -> float | None:
    """Return a moment in seconds since the epoch: PBS tells it so, or as C's ctime does."""
    if isinstance(told, int | float):
        return float(told)
    try:
        return time.mktime(time.strptime(told or "", "%a %b %d %H:%M:%S %Y"))
    except ValueError:
        return None
