"""How many rows of a batch are on their way at once: a few of them always wait in the data plane's line."""

from __future__ import annotations

__all__ = ["LEAST", "MOST", "Width"]

LEAST, MOST = 8, 1024
"""Between how many rows are on their way: a model that is being started needs no more than the least."""

ENOUGH = 4
SHARE = 8
"""Rows that wait in line, and the share of all on their way: a slot that comes free is taken at once."""


class Width:
    """Follows what the data plane tells with each answer: how many rows of batches wait for the model."""

    def __init__(self) -> None:
        self._width = float(LEAST)

    @property
    def now(self) -> int:
        """How many there are to be."""
        return int(self._width)

    def heard(self, waiting: bytes | None) -> None:
        """Take what came with an answer; nothing where no replica gave it."""
        if waiting is None or not waiting.isdigit():
            return
        wanted = ENOUGH + self._width / SHARE
        if int(waiting) < wanted / 2:
            self._width = min(MOST, self._width + 1)
        elif int(waiting) > wanted * 2:
            self._width = max(LEAST, self._width - 1)
