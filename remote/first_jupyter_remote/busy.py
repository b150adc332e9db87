"""Tells the script of a job that a node agent is at work, so that it waits when the job has to end."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .job import JobEndsError, current

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["busy"]


@contextmanager
def busy() -> Iterator[None]:
    """While it lasts, the file that ``FIRST_BUSY`` names is there; without the variable, do nothing.

    A file that cannot be made costs the node agent its time to drain, not its work.

    Raises
    ------
    JobEndsError
        Where the script has begun to end the job, and waits for nobody any more, or too little of the job's
        time is left.
    """
    name = os.environ.get("FIRST_BUSY")
    if not name:
        yield
        return
    if Path(f"{name}.ends").exists() or time.time() > current(os.environ, time.time()).begin_until:
        raise JobEndsError("this job is at its end")
    with suppress(OSError):
        # It lies where everybody may write, so a link that waits there must not be followed.
        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield
    finally:
        with suppress(OSError):
            Path(name).unlink()
