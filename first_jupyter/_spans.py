"""What was used, as tables: of a day or of a month, by model and by notebook."""

from __future__ import annotations

from typing import Any

__all__ = ["by_name", "totals"]

Json = dict[str, Any]

SHOWN = 8
NAMED = ("", "requests", "tokens", "first token", "node-hours")
ROWS = (
    ("requests", lambda span: f"{span['requests']:,}"),
    ("of them failed", lambda span: f"{span.get('failed', 0):,}"),
    ("prompt tokens", lambda span: f"{span['prompt_tokens']:,}"),
    ("answer tokens", lambda span: f"{span['completion_tokens']:,}"),
    ("first token, median", lambda span: _seconds(span.get("first_token_s"))),
    ("node-hours", lambda span: _hours(span.get("node_hours"))),
)


def totals(usage: Json) -> list[list[str]]:
    """List today's figures beside those of 30 days, a row each: its name, today's, the month's."""
    spans = (usage["today"], usage["last_30_days"])
    rows = [[name, *map(write, spans)] for name, write in ROWS]
    return [row for row in rows if any(row[1:])]


def by_name(sums: dict[str, Json]) -> tuple[list[str], list[list[str]]]:
    """List the names with most tokens, as a table's head and rows; what nobody measured has no column."""
    ordered = sorted(sums.items(), key=lambda item: -_tokens(item[1]))
    rows = [
        [
            name,
            f"{each['requests']:,}",
            f"{_tokens(each):,}",
            _seconds(each.get("first_token_s")),
            _hours(each.get("node_hours")),
        ]
        for name, each in ordered[:SHOWN]
    ]
    if rest := [each for _, each in ordered[SHOWN:]]:
        requests, tokens = sum(each["requests"] for each in rest), sum(map(_tokens, rest))
        rows.append([f"and {len(rest)} more", f"{requests:,}", f"{tokens:,}", "", ""])
    told = [n for n in range(len(NAMED)) if any(row[n] for row in rows)]
    return [NAMED[n] for n in told], [[row[n] for n in told] for row in rows]


def _tokens(each: Json) -> int:
    return int(each["prompt_tokens"] + each["completion_tokens"])


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2g} s" if value < 10 else f"{value:.0f} s"


def _hours(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
