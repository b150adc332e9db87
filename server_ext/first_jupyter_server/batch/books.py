"""Which files and batches there are: one SQLite file, read and written in a thread of its own."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from .objects import UNFINISHED, Json

__all__ = ["Books"]

T = TypeVar("T")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, object TEXT);
CREATE TABLE IF NOT EXISTS batches (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, object TEXT);
"""
_PATCH = """
UPDATE batches SET object = json_patch(object, :news) WHERE id = :id
    AND (:only IS NULL OR json_extract(object, '$.status') IN (SELECT value FROM json_each(:only)))
RETURNING object
"""
_USED = """
SELECT id FROM batches WHERE json_extract(object, '$.input_file_id') = :file
    AND json_extract(object, '$.status') IN (SELECT value FROM json_each(:only))
"""
_UNFINISHED = """
SELECT object FROM batches
WHERE json_extract(object, '$.status') IN (SELECT value FROM json_each(?)) ORDER BY seq
"""


class Books:
    """The files and batches of one data folder, which several servers may share.

    Parameters
    ----------
    path
        The SQLite file.

    Notes
    -----
    All methods raise ``sqlite3.Error`` where the file cannot be read or written, as on a full disk.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="first-batches")
        self._connection: sqlite3.Connection | None = None

    async def add_file(self, file: Json) -> None:
        """Enter a file."""
        await self._do(_insert, "files", file)

    async def file(self, identity: str) -> Json | None:
        """Return a file's entry, if there is one."""
        return await self._do(_one, "files", identity)

    async def files(self, limit: int, after: str | None, order: str, purpose: str | None) -> list[Json]:
        """Return files in the order of their making, or the newest first."""
        asked = {"limit": limit, "after": after, "order": order, "purpose": purpose}
        return await self._do(_list, "files", asked)

    async def remove_file(self, identity: str) -> None:
        """Strike a file out."""
        await self._do(lambda db: db.execute("DELETE FROM files WHERE id = ?", (identity,)))

    async def user_of(self, identity: str) -> str | None:
        """Return a batch that still reads a file, if one does."""
        values = {"file": identity, "only": json.dumps(UNFINISHED)}
        return await self._do(lambda db: (found := db.execute(_USED, values).fetchone()) and found[0])

    async def add_batch(self, batch: Json) -> None:
        """Enter a batch."""
        await self._do(_insert, "batches", batch)

    async def batch(self, identity: str) -> Json | None:
        """Return a batch, if there is one."""
        return await self._do(_one, "batches", identity)

    async def batches(self, limit: int, after: str | None) -> list[Json]:
        """Return batches, the newest first."""
        asked = {"limit": limit, "after": after, "order": "desc", "purpose": None}
        return await self._do(_list, "batches", asked)

    async def unfinished(self) -> list[Json]:
        """Return the batches in which there is something left to do, the oldest first."""
        found = await self._do(lambda db: db.execute(_UNFINISHED, (json.dumps(UNFINISHED),)).fetchall())
        return [json.loads(text) for (text,) in found]

    async def patch(
        self, identity: str, news: Json, *, only: Sequence[str] | None = None, files: Sequence[Json] = ()
    ) -> Json | None:
        """Change what is said in ``news`` (RFC 7396: null removes), and enter files, all or nothing.

        Parameters
        ----------
        only
            The statuses in which it may be changed.

        Returns
        -------
        dict or None
            The batch as it is now; None where it may not be changed, or is not there.
        """
        statuses = None if only is None else json.dumps(only)
        values = {"id": identity, "news": json.dumps(news), "only": statuses}

        def change(db: sqlite3.Connection) -> Json | None:
            found = db.execute(_PATCH, values).fetchall()
            if not found:
                return None
            for file in files:
                _insert(db, "files", file)
            changed: Json = json.loads(found[0][0])
            return changed

        return await self._do(change)

    async def close(self) -> None:
        """Let go of the file."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    async def _do(self, work: Callable[..., T], *values: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._in_thread, work, values)

    def _in_thread(self, work: Callable[..., T], values: tuple[Any, ...]) -> T:
        if self._connection is None:
            # No write-ahead log: home folders are often on network file systems, where it can break the file.
            connection = sqlite3.connect(self._path, timeout=30)
            connection.executescript(_SCHEMA)
            self._connection = connection
        try:
            with self._connection:
                return work(self._connection, *values)
        except sqlite3.Error:
            self._close()
            raise

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _insert(db: sqlite3.Connection, table: str, entry: Json) -> None:
    kept = json.dumps({key: value for key, value in entry.items() if value is not None})
    db.execute(f"INSERT INTO {table} (id, object) VALUES (?, ?)", (entry["id"], kept))  # noqa: S608  # ours


def _one(db: sqlite3.Connection, table: str, identity: str) -> Json | None:
    found = db.execute(f"SELECT object FROM {table} WHERE id = ?", (identity,)).fetchone()  # noqa: S608
    entry: Json | None = found and json.loads(found[0])
    return entry


def _list(db: sqlite3.Connection, table: str, asked: Json) -> list[Json]:
    older, direction = ("<", "DESC") if asked["order"] == "desc" else (">", "ASC")
    query = f"""
        SELECT object FROM {table}
        WHERE (:after IS NULL OR seq {older} (SELECT seq FROM {table} WHERE id = :after))
            AND (:purpose IS NULL OR json_extract(object, '$.purpose') = :purpose)
        ORDER BY seq {direction} LIMIT :limit
    """  # noqa: S608  # all of it is ours
    return [json.loads(text) for (text,) in db.execute(query, asked)]
