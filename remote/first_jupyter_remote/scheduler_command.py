"""Questions to a batch scheduler that share one time limit."""

from __future__ import annotations

import os
import subprocess
import time

__all__ = ["Commands"]


class Commands:
    """Runs a scheduler's commands for their output.

    Parameters
    ----------
    limit
        Seconds that all of them may take together.
    """

    def __init__(self, limit: float) -> None:
        self._until = time.monotonic() + limit

    def __call__(self, *argv: str) -> str:
        """Return what a command prints, whatever its exit code: a job that just ended makes one fail.

        Raises
        ------
        OSError
            If it cannot be run.
        subprocess.TimeoutExpired
            If the time is up.
        """
        # A user's own taste for squeue must not change what is read here.
        taste = ("SQUEUE_", "SLURM_TIME_FORMAT")
        env = {name: value for name, value in os.environ.items() if not name.startswith(taste)}
        done = subprocess.run(
            argv,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=max(self._until - time.monotonic(), 0.1),
            check=False,
        )
        return done.stdout.decode(errors="replace")
