"""The tables as Markdown, and where they stand in the document."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .runs import Figures
    from .studies import Table

__all__ = ["progress", "say", "tables", "write"]

HEAD = (
    "| policy | p50 | p95 | p99 | node-hours per million tokens | failed | one choice |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
)
BETWEEN = re.compile(r"(<!-- figures -->\n).*(?=<!-- end of figures -->)", re.DOTALL)


def progress(line: str) -> None:
    """Tell what is under way, beside the tables."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def say(text: str) -> None:
    """Print."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def tables(all_of_them: Sequence[Table]) -> str:
    """Return them one below the other."""
    return "\n\n".join("\n".join((f"### {table.title}", "", *_rows(table.figures))) for table in all_of_them)


def write(document: Path, all_of_them: Sequence[Table], *, seed: int) -> None:
    """Put the tables between the document's marks."""
    text = document.read_text(encoding="utf-8")
    seconds = sum(figures.seconds for table in all_of_them for figures in table.figures)
    requests = sum(figures.requests for table in all_of_them for figures in table.figures)
    made = (
        f"Made by `python benchmarks/federation_sim.py --seed {seed} --write` "
        f"in {seconds / 60:.0f} min on one core: {requests / 1e6:.1f} million requests."
    )
    figures = f"{made}\n\n{tables(all_of_them)}\n\n"
    document.write_text(BETWEEN.sub(lambda found: found[1] + figures, text), encoding="utf-8")


def _rows(all_of_them: Sequence[Figures]) -> list[str]:
    return [*HEAD, *(_row(figures) for figures in all_of_them)]


def _row(figures: Figures) -> str:
    cells = [
        f"**{figures.policy}**" if figures.policy == "ours" else figures.policy,
        *(_seconds(first) for first in (figures.p50, figures.p95, figures.p99)),
        f"{figures.node_hours:.2f}",
        f"{figures.failed:.2%}" if figures.failed else "0",
        f"{figures.decision * 1e6:.0f} µs",
    ]
    return f"| {' | '.join(cells)} |"


def _seconds(seconds: float) -> str:
    if math.isinf(seconds):
        return "never"
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"
