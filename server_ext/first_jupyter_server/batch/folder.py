"""Where files, results and books lie on the disk."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path

__all__ = ["Folder"]

LEFT_BEHIND = 86_400.0
"""Seconds after which a file that nobody knows of is removed; until then it may be on its way."""


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

    def rows(self, batch: str) -> Path:
        """Return where a batch's results lie until they are written out."""
        return self._path / "rows" / f"{batch}.sqlite3"

    def tidy(self, known: Collection[str]) -> None:
        """Remove what a process left behind that was killed while it wrote."""
        before = time.time() - LEFT_BEHIND
        for path in (self._path / "files").iterdir():
            if path.name not in known and path.stat().st_mtime < before:
                path.unlink(missing_ok=True)
