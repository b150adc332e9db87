"""Replica records: told to whoever listens, and kept as files that outlive their writer."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import socket
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .protocol import ReplicaRecord

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Reporter", "alive", "folder", "look_up", "put", "read_all", "remove", "state", "write"]

HOME = "~/.local/state/first-jupyter"
HEARTBEAT = 30.0
SOON = 0.2
LOAD_EVERY = 2.0
EXPIRES_EVERY = 10.0
BESIDE = (".log", ".log.1", ".stop", ".hold", ".wake", ".json")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def state(home: str) -> Path:
    """Return the folder of records and logs; where none is named, the one that this machine's owner chose."""
    return Path(home or os.environ.get("FIRST_HOME") or HOME).expanduser()


def folder(home: Path, replica: str) -> Path:
    """Return the folder of the records, after a look at the replica's name, which becomes a file's name."""
    if not NAME.fullmatch(replica):
        raise ValueError(
            f"{replica!r} cannot name a replica: use up to 100 letters, digits, '.', '_' and '-'"
        )
    return home / "replicas"


def write(path: Path, record: ReplicaRecord) -> None:
    """Put the record into its file."""
    put(path, record.to_json())


def put(path: Path, data: dict[str, Any]) -> None:
    """Put JSON into a file, whole or not at all, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-")
    try:
        with os.fdopen(handle, "w") as file:
            json.dump(data, file)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def remove(path: Path) -> None:
    """Remove a record's file, and what lies beside it."""
    for suffix in BESIDE:
        with contextlib.suppress(OSError):
            path.with_name(f"{path.stem}{suffix}").unlink(missing_ok=True)


def read_all(home: Path) -> dict[Path, ReplicaRecord]:
    """Return the records in ``home`` by their files."""
    records = {}
    for path in sorted((home / "replicas").glob("*.json")):
        try:
            records[path] = ReplicaRecord.from_json(json.loads(path.read_text()))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return records


def look_up(home: str, replica: str) -> tuple[Path, ReplicaRecord | None]:
    """Return the folder of the records, and a replica's own."""
    place = folder(state(home), replica)
    return place, read_all(place.parent).get(place / f"{replica}.json")


def alive(record: ReplicaRecord, now: float) -> bool:
    """Say whether the record's node agent runs: by its heartbeat, and by its process if that is here."""
    if now - record.updated > 4 * HEARTBEAT:
        return False
    if record.node != socket.gethostname() or record.pid is None:
        return True
    try:
        os.kill(record.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _entered(record: ReplicaRecord) -> ReplicaRecord:
    """Note when it entered the stage that it is in."""
    stage = record.stage.value
    if stage in record.entered:
        return record
    return dataclasses.replace(record, entered={**record.entered, stage: time.time()})


class Reporter:
    """Keeps one replica's record, and tells its changes: what matters at once, the rest in good measure.

    Parameters
    ----------
    path
        The record's file.
    record
        The record to begin with.
    report
        Called with each record that goes out.
    """

    def __init__(
        self, path: Path, record: ReplicaRecord, report: Callable[[ReplicaRecord], None] | None = None
    ) -> None:
        self.record = _entered(record)
        self._path = path
        self._report = report or (lambda _: None)
        self._told = self.record
        self._told_at = self._load_at = float("-inf")

    def update(self, **changes: Any) -> None:
        """Change fields of the record."""
        self.record = _entered(dataclasses.replace(self.record, **changes))
        self.flush()

    def flush(self) -> None:
        """Tell what is due by now."""
        now = time.monotonic()
        new, old = self.record, self._told
        urgent = (new.stage, new.port, new.restarts) != (old.stage, old.port, old.restarts)
        soon = (new.reason, new.progress) != (old.reason, old.progress) and now - self._told_at >= SOON
        load = new.load != old.load and now - self._load_at >= LOAD_EVERY
        held = new.held_until != old.held_until
        expires = new.expires != old.expires and now - self._told_at >= EXPIRES_EVERY
        if urgent or soon or load or held or expires:
            self._told, self._told_at, self._load_at = new, now, now if load else self._load_at
            self._keep(tell=True)
        elif now - self._told_at >= HEARTBEAT:
            self._told_at = now
            self._keep(tell=False)

    def _keep(self, *, tell: bool) -> None:
        record = dataclasses.replace(self.record, updated=time.time())
        try:
            write(self._path, record)
        except OSError as error:
            fault = f"the record cannot be written to {self._path}: {error.strerror}"
            reason = f"{record.reason}; {fault}" if record.reason else fault
            record = dataclasses.replace(record, reason=reason)
        if tell:
            self._report(record)
        if record.stage.is_final:
            self.record = record
