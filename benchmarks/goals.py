"""Figures and what they may be at most, as the rows of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Row", "table"]


@dataclass(frozen=True)
class Row:
    """One figure, and what it may be at most."""

    what: str
    value: float
    goal: float
    unit: str = ""
    digits: int = 1

    @property
    def line(self) -> str:
        """The row of a table."""
        shown = f"{self.value:.{self.digits}f}" if self.value % 1 else f"{self.value:.0f}"
        verdict = "met" if self.value <= self.goal else "**missed**"
        return f"| {self.what} | {shown}{self.unit} | {self.goal:g}{self.unit} | {verdict} |"


def table(rows: Iterable[Row]) -> str:
    """Return them in Markdown."""
    return "\n".join(["| what | measured | goal | |", "|---|---|---|---|", *(row.line for row in rows)])
