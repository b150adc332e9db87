"""What ``GET /first/api/usage`` answers: sums over the ledger, by model, notebook and day."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from .held import Held, node_hours

__all__ = ["DAYS", "usage"]

DAYS = 30

Sum = dict[str, Any]

_COUNTED = ("requests", "failed", "prompt_tokens", "completion_tokens")

_DAY = "date(at, 'unixepoch', 'localtime')"
_SUMS = """
SELECT {key}, count(*), total(outcome NOT IN ('ok', 'cancelled') OR status >= 400),
    total(prompt_tokens), total(completion_tokens)
FROM requests WHERE at >= ? GROUP BY 1
"""
_ROWS = """
SELECT {key}, total(requests), total(failed), total(prompt_tokens), total(completion_tokens)
FROM rows WHERE day >= date(?, 'unixepoch', 'localtime') GROUP BY 1
"""
"""Rows of batches; of these no notebook is known."""
_KEYS_OF_ROWS = {_DAY: "day", "model": "model", "''": "''"}
_FIRST_TOKENS = """
SELECT key, avg(first_byte_s) FROM (
    SELECT {key} AS key, first_byte_s, row_number() OVER (PARTITION BY {key} ORDER BY first_byte_s) AS place,
        count(*) OVER (PARTITION BY {key}) AS many
    FROM requests WHERE at >= ? AND streamed AND first_byte_s IS NOT NULL
) WHERE place IN ((many + 1) / 2, (many + 2) / 2) GROUP BY key
"""
"""The medians. Of an answer that comes as a whole the first byte says nothing of the first token."""
_RECENT = "SELECT * FROM requests ORDER BY at DESC LIMIT 20"
_HELD = "SELECT cluster, replica, model, nodes, began, until FROM held"


def usage(connection: sqlite3.Connection, now: float) -> dict[str, Any]:
    """Add up what was used.

    Parameters
    ----------
    connection
        The ledger's file.
    now
        The moment, in seconds since the epoch.

    Raises
    ------
    sqlite3.Error
        Where the file cannot be read.
    """
    days = _days(now)
    held = [Held(*row) for row in connection.execute(_HELD)]
    recent = connection.execute(_RECENT)
    names = [column[0] for column in recent.description]
    return {
        "today": _span(connection, held, days[-2:]),
        "last_30_days": _span(connection, held, days),
        "days": _each_day(connection, held, days),
        "recent": [dict(zip(names, row, strict=True)) for row in recent],
    }


def _days(now: float) -> list[datetime]:
    """Return when the last 30 days began, by this server's clock, and when today ends."""
    today = datetime.fromtimestamp(now).date()  # noqa: DTZ006  # the day of the people here
    dates = [today + timedelta(days=ahead) for ahead in range(1 - DAYS, 2)]
    return [datetime(day.year, day.month, day.day) for day in dates]  # noqa: DTZ001


def _span(connection: sqlite3.Connection, held: Sequence[Held], days: Sequence[datetime]) -> Sum:
    begin, end = days[0].timestamp(), days[-1].timestamp()
    (total,) = _sums(connection, "''", begin).values() or (_sum(),)
    by_model = _sums(connection, "model", begin)
    hours = node_hours(held, begin, end)
    for model in hours:
        by_model.setdefault(model, _sum())
    by_notebook = _sums(connection, "notebook", begin)
    by_notebook.pop(None, None)
    return {
        **total,
        "node_hours": _total(held, hours),
        "by_model": {
            model: {**_without_failed(each), "node_hours": hours.get(model)}
            for model, each in by_model.items()
        },
        "by_notebook": {path: _without_failed(each) for path, each in by_notebook.items()},
    }


def _each_day(
    connection: sqlite3.Connection, held: Sequence[Held], days: Sequence[datetime]
) -> list[dict[str, Any]]:
    sums = _sums(connection, _DAY, days[0].timestamp())
    told = []
    for day, after in pairwise(days):
        name = day.date().isoformat()
        hours = node_hours(held, day.timestamp(), after.timestamp())
        one = {key: value for key, value in sums.get(name, _sum()).items() if key != "first_token_s"}
        told.append({"day": name, **one, "node_hours": _total(held, hours)})
    return told


def _sums(connection: sqlite3.Connection, key: str, since: float) -> dict[Any, Sum]:
    medians = dict(connection.execute(_FIRST_TOKENS.format(key=key), (since,)).fetchall())
    found = connection.execute(_SUMS.format(key=key), (since,)).fetchall()
    if (of_rows := _KEYS_OF_ROWS.get(key)) is not None:
        found += connection.execute(_ROWS.format(key=of_rows), (since,))
    sums: dict[Any, Sum] = {}
    for name, *numbers in found:
        known = sums.setdefault(name, _sum(first=medians.get(name)))
        for what, number in zip(_COUNTED, numbers, strict=True):
            known[what] += int(number)
    return sums


def _sum(first: float | None = None) -> Sum:
    return {**dict.fromkeys(_COUNTED, 0), "first_token_s": first}


def _without_failed(each: Sum) -> Sum:
    return {key: value for key, value in each.items() if key != "failed"}


def _total(held: Sequence[Held], hours: Mapping[str, float]) -> float | None:
    """Return the node-hours of all models; None where no replica has ever had a node."""
    return sum(hours.values()) if held else None
