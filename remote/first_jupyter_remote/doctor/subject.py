"""What a check is given, and how it asks a command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from first_jupyter_remote.protocol import ModelSpec

__all__ = ["Subject", "answer"]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is looked over.

    Parameters
    ----------
    folder
        The endpoint's folder, if there is one.
    python
        The interpreter of the endpoint's environment.
    environment
        The variables that the endpoint's processes will have.
    scheduler, queue, queue_is, walltime
        What runs the jobs, where, what that is called, and for how many minutes at most.
    interface, host
        Where compute nodes reach this machine.
    models_dir
        Where weights lie.
    spec
        A model that is to be served.
    """

    folder: Path | None = None
    python: str = sys.executable
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    scheduler: str | None = None
    queue: str | None = None
    queue_is: str = "partition"
    walltime: int | None = None
    interface: str | None = None
    host: str | None = None
    models_dir: Path | None = None
    spec: ModelSpec | None = None

    @classmethod
    def of(cls, folder: Path | None, spec: ModelSpec | None) -> Self:
        """Return the subject that ``first-remote deploy`` left notes about, or this machine as it is."""
        notes: dict[str, Any] = json.loads((folder / "first-remote.json").read_text()) if folder else {}
        models = notes.get("models_dir")
        return cls(
            folder=folder,
            python=f"{notes['venv']}/bin/python" if notes else sys.executable,
            environment={**os.environ, **notes.get("environment", {})},
            scheduler=notes.get("scheduler"),
            queue=notes.get("queue"),
            queue_is=notes.get("queue_is", "partition"),
            walltime=notes.get("walltime"),
            interface=notes.get("interface"),
            host=notes.get("host"),
            models_dir=Path(models) if models else None,
            spec=spec,
        )


def answer(argv: list[str], environment: dict[str, str], timeout: float = 20.0) -> str | None:
    """Return what a command printed, None where there is no such command or it failed."""
    try:
        done = subprocess.run(
            argv,
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=True,
            errors="replace",
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
