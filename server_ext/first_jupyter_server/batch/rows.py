"""What became of the rows of one batch: one SQLite file, written in batches of many."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Done", "Result", "Rows", "Tally", "used"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (
    number INTEGER PRIMARY KEY, ok INTEGER, prompt INTEGER, completion INTEGER, cluster TEXT, line BLOB
)
"""


class Result(NamedTuple):
    """What became of one row.

    Parameters
    ----------
    number
        The row's.
    ok
        Whether it was answered; else its line goes into the file of errors.
    prompt, completion
        Tokens.
    cluster
        Where it was answered; empty where nowhere.
    line
        Its line of that file.
    """

    number: int
    ok: bool
    prompt: int
    completion: int
    cluster: str
    line: bytes


@dataclass
class Tally:
    """How many rows are done, and what they took."""

    completed: int = 0
    failed: int = 0
    prompt: int = 0
    completion: int = 0
    clusters: dict[str, int] = field(default_factory=dict)

    def add(self, result: Result) -> None:
        """Count one more."""
        self.completed += result.ok
        self.failed += not result.ok
        self.prompt += result.prompt
        self.completion += result.completion
        if result.cluster:
            self.clusters[result.cluster] = self.clusters.get(result.cluster, 0) + 1


def used(results: Sequence[Result], model: str, at: float) -> list[dict[str, Any]]:
    """Return what the ledger keeps of results: their sums, by the cluster where they were answered."""
    sums: dict[str, Tally] = {}
    for result in results:
        sums.setdefault(result.cluster, Tally()).add(result)
    return [
        {
            "at": at,
            "model": model,
            "cluster": cluster,
            "requests": tally.completed + tally.failed,
            "failed": tally.failed,
            "prompt_tokens": tally.prompt,
            "completion_tokens": tally.completion,
        }
        for cluster, tally in sums.items()
    ]


class Done:
    """The numbers of rows that are done: a bit for each, 125 KB for a million."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, number: int) -> None:
        """Take one up."""
        at = number >> 3
        if at >= len(self._bits):
            self._bits.extend(bytes(at + 1024 - len(self._bits)))
        self._bits[at] |= 1 << (number & 7)

    @property
    def size(self) -> int:
        """The bytes that it takes."""
        return len(self._bits)

    def __contains__(self, number: int) -> bool:
        at = number >> 3
        return at < len(self._bits) and bool(self._bits[at] & 1 << (number & 7))


class Rows:
    """The results of one batch.

    Parameters
    ----------
    path
        The SQLite file.

    Notes
    -----
    It is used by one thread at a time. All methods raise ``sqlite3.Error`` where the file cannot be read or
    written, as on a full disk.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def add(self, results: Sequence[Result]) -> None:
        """Keep results, all or none of them; of a row that is there already the first one stays."""
        db = self._open()
        try:
            with db:
                db.executemany("INSERT OR IGNORE INTO rows VALUES (?, ?, ?, ?, ?, ?)", results)
        except sqlite3.Error:
            self.close()
            raise

    def done(self) -> tuple[Done, Tally]:
        """Return which rows are done, and their tally."""
        done, tally = Done(), Tally()
        for number, ok, prompt, completion, cluster in self._open().execute(
            "SELECT number, ok, prompt, completion, cluster FROM rows"
        ):
            done.add(number)
            tally.add(Result(number, bool(ok), prompt, completion, cluster, b""))
        return done, tally

    def lines(self) -> Iterator[tuple[int, bool, bytes]]:
        """Go through number, success and line of all rows, in their order."""
        yield from self._open().execute("SELECT number, ok, line FROM rows ORDER BY number")

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            # No write-ahead log: home folders are often on network file systems, where it can break the file.
            connection = sqlite3.connect(self._path, timeout=30, check_same_thread=False)
            connection.execute(_SCHEMA)
            self._connection = connection
        return self._connection
