"""The line for one model: notebooks take turns, and each notebook's requests keep their order."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

__all__ = ["FairLine"]

T = TypeVar("T", bound=Hashable)


class FairLine(Generic[T]):
    """Requests that wait, by the label of their notebook; those without one share the empty label."""

    def __init__(self) -> None:
        # Dictionaries for their order: a notebook whose turn is over goes to the end.
        self._lines: dict[str, dict[T, None]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def __bool__(self) -> bool:
        return bool(self._lines)

    def __iter__(self) -> Iterator[T]:
        """Go through all requests in the order of their turns, whatever leaves the line meanwhile."""
        lines = [list(line) for line in self._lines.values()]
        for turn in range(max(map(len, lines), default=0)):
            for line in lines:
                if turn < len(line):
                    yield line[turn]

    def add(self, label: str, request: T) -> bool:
        """Put a request at the end of its notebook's line; returns whether it was not there already."""
        line = self._lines.setdefault(label, {})
        if request in line:
            return False
        line[request] = None
        return True

    def remove(self, label: str, request: T, *, served: bool = False) -> bool:
        """Take a request out; where it was served, its notebook's turn is over.

        Returns
        -------
        bool
            Whether it was there.
        """
        line = self._lines.get(label)
        if line is None or request not in line:
            return False
        del line[request]
        if not line:
            del self._lines[label]
        elif served:
            self._lines[label] = self._lines.pop(label)
        return True

    def ahead(self, label: str) -> int:
        """Return how many requests would be served before a new one of this notebook."""
        own = len(self._lines.get(label, ()))
        others = sum(min(len(line), own + 1) for name, line in self._lines.items() if name != label)
        return own + others
