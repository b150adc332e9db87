"""The ledger: what was asked of which model, where it was served, and which nodes that took."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .held import Held
from .sums import usage

__all__ = ["FILE", "Ledger", "add_columns"]

FILE = "usage.sqlite3"
"""Its name in the data folder."""

MOST_WAITING = 10_000
"""Entries that are kept while the disk is slow or full; the oldest are dropped first."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    request_id TEXT, at REAL, model TEXT, route TEXT, cluster TEXT, replica TEXT, status INTEGER, outcome
    TEXT,
    prompt_tokens INTEGER, completion_tokens INTEGER, first_byte_s REAL, total_s REAL, notebook TEXT,
    streamed INTEGER
);
CREATE INDEX IF NOT EXISTS requests_at ON requests (at);
CREATE TABLE IF NOT EXISTS held (
    cluster TEXT, replica TEXT, model TEXT, nodes REAL, began REAL, until REAL, PRIMARY KEY (cluster, replica)
);
CREATE TABLE IF NOT EXISTS rows (
    day TEXT, model TEXT, cluster TEXT, requests INTEGER, failed INTEGER, prompt_tokens INTEGER,
    completion_tokens INTEGER, PRIMARY KEY (day, model, cluster)
);
"""
_REQUEST = """
INSERT INTO requests VALUES (:request_id, :at, :model, :route, :cluster, :replica, :status, :outcome,
    :prompt_tokens, :completion_tokens, :first_byte_s, :total_s, :notebook, :streamed)
"""
_HELD = """
INSERT INTO held VALUES (:cluster, :replica, :model, :nodes, :began, :until)
ON CONFLICT (cluster, replica) DO UPDATE SET began = excluded.began, until = max(until, excluded.until)
"""
"""One line for a replica's whole life: seen again after a restart, it has had its nodes all the time."""

_ROWS = """
INSERT INTO rows VALUES (date(:at, 'unixepoch', 'localtime'), :model, :cluster, :requests, :failed,
    :prompt_tokens, :completion_tokens)
ON CONFLICT (day, model, cluster) DO UPDATE SET requests = requests + excluded.requests,
    failed = failed + excluded.failed, prompt_tokens = prompt_tokens + excluded.prompt_tokens,
    completion_tokens = completion_tokens + excluded.completion_tokens
"""
"""Those of batches, of which there may be millions, are kept as a day's sums alone."""


def add_columns(folder: Path) -> None:
    """Add what the first ledgers did not have of a request: its notebook, and whether it was streamed.

    Raises
    ------
    sqlite3.Error
        Where the file is in use, or cannot be written. One that is no ledger at all is left as it is.
    """
    if not (folder / FILE).exists():
        return
    with contextlib.closing(sqlite3.connect(folder / FILE, timeout=10)) as connection, connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            known = {name for _, name, *_ in connection.execute("PRAGMA table_info(requests)")}
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            return
        for name, kind in (("notebook", "TEXT"), ("streamed", "INTEGER")):
            if known and name not in known:
                connection.execute(f"ALTER TABLE requests ADD COLUMN {name} {kind}")


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
    What cannot be written waits for the next entry, for whoever reads, or for the end.
    """

    def __init__(self, path: Path, log: logging.Logger) -> None:
        self._path = path
        self._log = log
        self._complained = False
        self._connection: sqlite3.Connection | None = None
        self._waiting: deque[tuple[str, dict[str, Any]]] = deque(maxlen=MOST_WAITING)
        self._unwritten: deque[tuple[str, dict[str, Any]]] = deque(maxlen=MOST_WAITING)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="first-ledger")

    def add(self, outcomes: Iterable[dict[str, Any]]) -> None:
        """Enter requests that have ended, some time soon."""
        self._enter(_REQUEST, outcomes)

    def hold(self, held: Held) -> None:
        """Enter which nodes a replica has had until now, some time soon."""
        self._enter(_HELD, [asdict(held)])

    def add_rows(self, sums: Iterable[dict[str, Any]]) -> None:
        """Enter rows of batches that are done, by model and cluster, some time soon."""
        self._enter(_ROWS, sums)

    def _enter(self, statement: str, entries: Iterable[dict[str, Any]]) -> None:
        self._waiting.extend((statement, entry) for entry in entries)
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
        self._thread.submit(self._insert)
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
            self._connection = connection
        return self._connection

    def _insert(self) -> None:
        self._unwritten += [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not self._unwritten:
            return
        try:
            with self._open() as connection:
                for statement, values in self._unwritten:
                    connection.execute(statement, values)
            self._unwritten.clear()
            if self._complained:
                self._complained = False
                self._log.info("Usage is being recorded again: %s", self._path)
        except (sqlite3.Error, OSError, OverflowError) as error:
            self._close()
            if not isinstance(error, sqlite3.OperationalError | OSError):
                self._unwritten.clear()  # no later try would go better
            if not self._complained:
                self._complained = True
                self._log.warning(
                    "Usage is not being recorded: %s: %s. The last %s entries are kept until it can be.",
                    self._path,
                    error,
                    f"{MOST_WAITING:,}",
                )

    def _usage(self) -> dict[str, Any]:
        self._insert()
        try:
            return usage(self._open(), time.time())
        except sqlite3.Error as error:
            raise OSError(f"{self._path}: {error}") from None
