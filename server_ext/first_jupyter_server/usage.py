"""The ledger: what was asked of which model and where it was served; never a prompt, never an answer."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

__all__ = ["Ledger"]

MOST_WAITING = 10_000
"""Entries that are kept while the disk is slow; the oldest are dropped first."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    request_id TEXT, at REAL, model TEXT, route TEXT, cluster TEXT, replica TEXT, status INTEGER, outcome
    TEXT,
    prompt_tokens INTEGER, completion_tokens INTEGER, first_byte_s REAL, total_s REAL, notebook TEXT
);
CREATE INDEX IF NOT EXISTS requests_at ON requests (at);
"""
_HAS_NOTEBOOK = "SELECT 1 FROM pragma_table_info('requests') WHERE name = 'notebook'"
"""Files of earlier releases have no such column."""

_INSERT = """
INSERT INTO requests VALUES (:request_id, :at, :model, :route, :cluster, :replica, :status, :outcome,
    :prompt_tokens, :completion_tokens, :first_byte_s, :total_s, :notebook)
"""
_SUMMARY = """
SELECT model, count(*), sum(outcome NOT IN ('ok', 'cancelled') OR status >= 400),
    sum(prompt_tokens), sum(completion_tokens)
FROM requests WHERE at >= ? GROUP BY model
"""
_RECENT = "SELECT * FROM requests ORDER BY at DESC LIMIT 20"


class Ledger:
    """One SQLite file, written and read in a thread of its own.

    Parameters
    ----------
    path
        The file; its folder is made with the first entry.
    log
        Where a full disk is told, once.

    Notes
    -----
    An entry that cannot be written is dropped: the answer it tells of has been delivered all the same.
    """

    def __init__(self, path: Path, log: logging.Logger) -> None:
        self._path = path
        self._log = log
        self._complained = False
        self._connection: sqlite3.Connection | None = None
        self._waiting: deque[dict[str, Any]] = deque(maxlen=MOST_WAITING)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="first-ledger")

    def add(self, outcomes: Iterable[dict[str, Any]]) -> None:
        """Enter requests that have ended, some time soon."""
        self._waiting.extend(outcomes)
        self._thread.submit(self._insert)

    def usage(self) -> dict[str, Any]:
        """Return what ``GET /first/api/usage`` answers; blocks, so not for the event loop.

        Raises
        ------
        OSError
            Where the file cannot be read.
        """
        return self._thread.submit(self._usage).result()

    def close(self) -> None:
        """Write what is still to be written."""
        self._thread.submit(self._close)
        self._thread.shutdown(wait=True)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        """Return the connection, which only the thread uses."""
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._path, timeout=10)
            # No write-ahead log: home folders are often on network file systems, where it can break the file.
            connection.executescript(_SCHEMA)
            if not connection.execute(_HAS_NOTEBOOK).fetchone():
                connection.execute("ALTER TABLE requests ADD COLUMN notebook TEXT")
            self._connection = connection
        return self._connection

    def _insert(self) -> None:
        outcomes = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not outcomes:
            return
        try:
            with self._open() as connection:
                connection.executemany(_INSERT, outcomes)
            self._complained = False
        except (sqlite3.Error, OSError) as error:
            self._close()
            if not self._complained:
                self._complained = True
                self._log.warning("Usage is not being recorded: %s: %s", self._path, error)

    def _usage(self) -> dict[str, Any]:
        now = time.time()
        midnight = time.mktime((*time.localtime(now)[:3], 0, 0, 0, 0, 0, -1))
        try:
            connection = self._open()
            recent = connection.execute(_RECENT)
            names = [column[0] for column in recent.description]
            return {
                "today": _summary(connection, midnight),
                "last_30_days": _summary(connection, now - 30 * 86_400),
                "recent": [dict(zip(names, row, strict=True)) for row in recent],
            }
        except sqlite3.Error as error:
            raise OSError(f"{self._path}: {error}") from None


def _summary(connection: sqlite3.Connection, since: float) -> dict[str, Any]:
    by_model = {}
    failed = 0
    for model, requests, bad, prompt, completion in connection.execute(_SUMMARY, (since,)):
        by_model[model] = {
            "requests": requests,
            "prompt_tokens": prompt or 0,
            "completion_tokens": completion or 0,
        }
        failed += bad or 0
    totals = {
        key: sum(entry[key] for entry in by_model.values())
        for key in ("requests", "prompt_tokens", "completion_tokens")
    }
    return {**totals, "failed": failed, "by_model": by_model}
