"""Where files, results and books lie on the disk."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection
from pathlib import Path

__all__ = ["Folder"]

LEFT_BEHIND = 86_400.0
"""Seconds after which a file that nobody knows of is removed; until then it may be on its way."""

RESUMED_WITHIN = 30 * 86_400.0
"""Seconds for which the results of a batch are kept that was cancelled or has expired, to be gone on with."""


class Folder:
    """One folder, for this user alone.

    Parameters
    ----------
    path
        It; made where it is missing.

    Raises
    ------
    OSError
        Where it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        for each in (path, path / "files", path / "rows"):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def books(self) -> Path:
        """What there is."""
        return self._path / "batches.sqlite3"

    @property
    def lock(self) -> Path:
        """Held by the one process that runs the batches."""
        return self._path / "lock"

    def file(self, identity: str) -> Path:
        """Return where a file's content lies."""
        return self._path / "files" / identity

    def size(self) -> int:
        """Return the bytes of all files' content."""
        with os.scandir(self._path / "files") as entries:
            return sum(entry.stat().st_size for entry in entries)

    def rows(self, batch: str) -> Path:
        """Return where a batch's results lie until they are written out."""
        return self._path / "rows" / f"{batch}.sqlite3"

    def tidy(self, files: Collection[str], unfinished: Collection[str]) -> None:
        """Remove what a killed process left behind, and results that nobody went on with for long.

        Parameters
        ----------
        files, unfinished
            The files that there are, and the batches that are not over.
        """
        for path in (self._path / "files").iterdir():
            if path.name not in files:
                _remove_older(path, LEFT_BEHIND)
        for path in (self._path / "rows").iterdir():
            if path.name.partition(".")[0] not in unfinished:
                _remove_older(path, RESUMED_WITHIN)


def _remove_older(path: Path, seconds: float) -> None:
    with contextlib.suppress(FileNotFoundError):  # an upload that has come to its end meanwhile
        if path.stat().st_mtime < time.time() - seconds:
            path.unlink()
