"""A value as text for a model: compact, bounded, and honest about what was left out."""

from __future__ import annotations

import inspect
from typing import Any

__all__ = ["describe", "shorten"]

LIMIT = 4_000
COLUMNS = 30
ROWS = 50


def describe(value: Any, limit: int = LIMIT) -> str:
    """Say what `value` is, in at most about `limit` characters.

    Text goes in whole and tables with their shape and types. A function or class goes in as its source.
    Never raises: a value that cannot be shown is named by its type.
    """
    if isinstance(value, str):
        return value
    try:
        return shorten(_describe(value, limit), limit)
    except Exception:  # noqa: BLE001  a foreign repr may raise anything, and a prompt must not fail for it
        return f"<{type(value).__module__}.{type(value).__qualname__}>"


def shorten(text: str, limit: int = LIMIT) -> str:
    """Cut a text in the middle and say how much is missing."""
    if len(text) <= limit:
        return text
    head, tail = limit * 3 // 4, limit // 4
    return f"{text[:head]}\n… {len(text) - head - tail:,} characters left out …\n{text[-tail:]}"


def _describe(value: Any, limit: int) -> str:
    library = type(value).__module__.partition(".")[0]
    if library == "pandas" and hasattr(value, "iloc"):
        return _series(value, limit) if value.ndim == 1 else _frame(value, limit)
    if library == "numpy" and hasattr(value, "dtype"):
        return f"array of shape {value.shape}, {value.dtype}\n{value}" if value.shape else str(value)
    if inspect.isfunction(value) or inspect.isclass(value):
        try:
            return inspect.getsource(value)
        except (OSError, TypeError):
            return repr(value)
    return repr(value)


def _frame(table: Any, limit: int) -> str:
    rows, columns = table.shape
    shown = table.iloc[:, :COLUMNS]
    types = ", ".join(f"{name} {kind}" for name, kind in shown.dtypes.items())
    more = f", … {columns - COLUMNS} more columns" if columns > COLUMNS else ""
    head = f"DataFrame, {rows:,} rows x {columns} columns: {types}{more}\n"
    return head + _rows(shown, rows, limit - len(head))


def _series(column: Any, limit: int) -> str:
    head = f"Series {column.name}, {len(column):,} values, {column.dtype}\n"
    return head + _rows(column, len(column), limit - len(head))


def _rows(table: Any, rows: int, room: int) -> str:
    count = min(rows, ROWS)
    while True:
        text: str = table.iloc[:count].to_string()
        if len(text) <= room - 40 or count <= 1:
            break
        count //= 2
    return text + (f"\n… {rows - count:,} more rows" if rows > count else "")
