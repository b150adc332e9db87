"""Lets a process have as many connections as the system allows it: each row that is on its way has two."""

from __future__ import annotations

import contextlib
import resource

__all__ = ["allow_many", "allowed"]

ENOUGH = 65_536


def allow_many() -> None:
    """Raise the limit of open files, as far as this user may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(ENOUGH, hard)
    if soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def allowed() -> int:
    """Return how many files may be open at once."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return ENOUGH if soft == resource.RLIM_INFINITY else soft
