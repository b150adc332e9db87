"""The data folder: of which format it is, and who may use it.

Every release reads what earlier ones wrote. One that is older than the folder leaves it as it is, and so does
a newer one while an older one uses it.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import IO

from .usage.ledger import add_columns

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["DataFolder", "DataFolderError", "format_of"]

Step = Callable[[Path], None]

STEPS: tuple[Step, ...] = (add_columns,)
"""What brings a folder from each format to the next. One that is broken off anywhere is done again."""

NAME = "format.json"
PATIENCE = 5.0
"""Seconds for which another server may be at it."""

LEFT = "Nothing in the folder is used or changed until then."


class DataFolderError(Exception):
    """A data folder cannot be used; the message names the file and the remedy."""


def format_of(path: Path) -> int:
    """Return of which format a folder is; 0 where it does not say, as those of the first releases.

    Raises
    ------
    DataFolderError
        Where that cannot be told, or is newer than this release.
    """
    file = path / NAME
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        number, writer = int(found["format"]), str(found["release"])
    except FileNotFoundError:
        return 0
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataFolderError(
            f"{file} cannot be read ({error}). Put it back from a backup; or remove it, if no newer release "
            f"of first-jupyter has used the folder. {LEFT}"
        ) from None
    if number > len(STEPS):
        raise DataFolderError(
            f"{file} says that first-jupyter {writer} wrote this folder in format {number}, and this is "
            f"{version('first-jupyter')}, which reads formats up to {len(STEPS)}. Upgrade first-jupyter, or "
            f"name another folder in FirstApp.data_dir. {LEFT}"
        )
    return number


class DataFolder:
    """One data folder, held in its format for as long as it is used.

    Parameters
    ----------
    path
        It; made where it is missing.

    Attributes
    ----------
    path
        Where to keep things: the folder, or one that is gone with this server where that cannot be used.
    problem
        Why it cannot be used, for a person; empty where it can.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.problem = path, ""
        self._lock: IO[str] | None = None
        self._instead: tempfile.TemporaryDirectory[str] | None = None
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = _held(path)
        except OSError:
            pass  # each of its users says so where it cannot write
        except DataFolderError as error:
            self._instead = tempfile.TemporaryDirectory(prefix="first-data-")
            self.path = Path(self._instead.name)
            self.problem = f"{error} What is kept now lasts as long as this server."

    def close(self) -> None:
        """Let go of it."""
        if self._lock is not None:
            self._lock.close()
        if self._instead is not None:
            self._instead.cleanup()


def _held(path: Path) -> IO[str]:
    """Bring a folder to this release's format, and return the lock that keeps it there.

    Raises
    ------
    DataFolderError
        Where it cannot be used.
    OSError
        Where it cannot be written.
    """
    end = time.monotonic() + PATIENCE
    with contextlib.ExitStack() as unless_held:
        lock = unless_held.enter_context((path / f"{NAME}.lock").open("a", encoding="utf-8"))
        while True:
            if _locked(lock, shared=True) and format_of(path) == len(STEPS):
                unless_held.pop_all()
                return lock
            if _locked(lock, shared=False):
                _bring_up(path)
            elif time.monotonic() > end:
                raise DataFolderError(
                    f"{path} is in use by a Jupyter server with an earlier release of first-jupyter, which "
                    f"could not read a newer format. End that server, and start this one again. {LEFT}"
                )
            else:
                time.sleep(0.1)


def _bring_up(path: Path) -> None:
    have = format_of(path)
    try:
        for step in STEPS[have:]:
            step(path)
    except Exception as error:
        raise DataFolderError(
            f"{path} could not be brought from format {have} to {len(STEPS)}: {error}. Mend that, and start "
            "Jupyter again: nothing is lost."
        ) from error
    draft = path / f"{NAME}.{os.getpid()}.tmp"
    told = {"format": len(STEPS), "release": version("first-jupyter")}
    draft.write_text(json.dumps(told), encoding="utf-8")
    draft.replace(path / NAME)


def _locked(lock: IO[str], *, shared: bool) -> bool:
    """Take a lock, if nobody else has it; some shared file systems have none, and are left without."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(lock, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
