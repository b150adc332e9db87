"""Writes the results of a batch into its two files, in the order of its input."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import IO, NamedTuple, Self

from .answered import undone
from .lines import row
from .rows import Rows
from .validation import numbered

__all__ = ["EXPIRED", "Ending", "Written", "write"]


class Ending(NamedTuple):
    """What is said of rows that have no result; empty where they are left out."""

    code: str
    message: str


EXPIRED = Ending("batch_expired", "This request was not answered within the batch's completion_window.")


class Written(NamedTuple):
    """A file that was written."""

    path: Path
    size: int


def write(
    rows: Rows, batch: str, source: Path, *, output: Path, errors: Path, ending: Ending | None
) -> tuple[Written | None, Written | None, int]:
    """Write both files, whole or not at all; one that would be empty is not written.

    Parameters
    ----------
    rows
        The results.
    batch, source
        The batch's id and its input.
    output, errors
        The files to be written.
    ending
        Where given, rows without a result go into the file of errors with this reason.

    Returns
    -------
    tuple
        The two files, and how many rows got that reason.

    Raises
    ------
    OSError, sqlite3.Error
        Where there is no room.
    """
    left_out = 0
    with ExitStack() as stack:
        one, other = (stack.enter_context(_Part(path)) for path in (output, errors))
        done = rows.lines()
        at = next(done, None)
        if ending is None:
            while at is not None:
                (one if at[1] else other).add(at[2])
                at = next(done, None)
        else:
            for number, line in numbered(source):
                if at is not None and at[0] == number:
                    (one if at[1] else other).add(at[2])
                    at = next(done, None)
                else:
                    left_out += 1
                    other.add(undone(number, row(line, number).custom_id, batch, *ending))
        return one.whole(), other.whole(), left_out


class _Part:
    """A file under another name until it is whole."""

    def __init__(self, path: Path) -> None:
        self._path, self._part = path, path.with_suffix(".part")
        self._file: IO[bytes] | None = None
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
            self._part.unlink(missing_ok=True)

    def add(self, line: bytes) -> None:
        if self._file is None:
            self._file = self._part.open("wb", buffering=2**20)
        self._file.write(line + b"\n")
        self._size += len(line) + 1

    def whole(self) -> Written | None:
        if self._file is None:
            return None
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._file = None
        self._part.replace(self._path)
        return Written(self._path, self._size)
