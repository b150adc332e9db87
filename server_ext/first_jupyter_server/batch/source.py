"""The rows of a batch's input that are still to be answered, read ahead by some hundred at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from pathlib import Path

from .lines import Row, row
from .rows import Done
from .validation import numbered

__all__ = ["Source"]

AHEAD = 512
AHEAD_BYTES = 8 * 2**20
"""Rows, and their bytes, that are read at a time."""


class Source:
    """Hands out rows in the order of the input.

    Parameters
    ----------
    path
        The input, which was found valid.
    done
        The rows that are left out.
    """

    def __init__(self, path: Path, done: Done) -> None:
        self._lines = numbered(path)
        self._done = done
        self._rows: deque[Row] = deque()
        self._reading = asyncio.Lock()
        self._over = False

    async def take(self) -> Row | None:
        """Return the next row; None where there are no more.

        Raises
        ------
        OSError
            Where the input cannot be read.
        """
        if not self._rows and not self._over:
            async with self._reading:
                if not self._rows and not self._over:
                    self._rows.extend(await asyncio.to_thread(self._read))
                    self._over = not self._rows
        return self._rows.popleft() if self._rows else None

    def _read(self) -> list[Row]:
        rows: list[Row] = []
        size = 0
        for number, line in self._lines:
            if number not in self._done:
                rows.append(row(line, number))
                size += len(line)
                if len(rows) == AHEAD or size > AHEAD_BYTES:
                    break
        return rows
