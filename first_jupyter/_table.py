"""Small tables, for notebooks and terminals alike."""

from __future__ import annotations

from typing import Any

from first_jupyter._harmless import harmless, printable

__all__ = ["say", "table"]


def say(text: str, markdown: str = "", html: str = "") -> None:
    """Show a line or a table."""
    from IPython.display import display  # noqa: PLC0415

    bundle = {"text/plain": printable(text)} | ({"text/markdown": harmless(markdown)} if markdown else {})
    bundle |= {"text/html": html} if html else {}
    display(bundle, raw=True)  # type: ignore[no-untyped-call]


def table(head: list[str], rows: list[list[Any]]) -> tuple[str, str]:
    """Write a table as aligned text and as Markdown."""
    cells = [head, *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    marked = ["| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in cells]
    marked.insert(1, "|" + " --- |" * len(head))
    return "\n".join(lines), "\n".join(marked)
