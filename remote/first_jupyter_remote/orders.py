"""What others ask of a replica through files beside its record: to end, to stay for a while, to wake up."""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from .protocol import ReplicaRecord, Stage, Wire
from .records import put

__all__ = ["Orders", "order_hold", "order_stop", "order_wake"]

LOOK_EVERY = 0.5


@dataclass(frozen=True, slots=True)
class Hold(Wire):
    """How many seconds a replica is wanted for; two orders differ in when they were given, in nanoseconds."""

    seconds: float
    given: int

    @classmethod
    def read(cls, path: Path) -> Hold | None:
        """Return what the file holds, None where that is no order."""
        try:
            hold = cls.from_json(json.loads(path.read_text()))
            return cls(float(hold.seconds), int(hold.given))
        except (OSError, ValueError, TypeError, AttributeError):
            return None


def order_stop(place: Path, replica: str) -> None:
    """Ask a replica to end, whether it has begun or not."""
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    (place / f"{replica}.stop").touch(mode=0o600)


def order_wake(place: Path, replica: str) -> None:
    """Ask a replica to be awake for a request that is to come, whether it has begun or not."""
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    (place / f"{replica}.wake").touch(mode=0o600)


def order_hold(place: Path, replica: str, seconds: float, record: ReplicaRecord | None) -> None:
    """Ask a replica to stay for so many seconds, whether it has begun or not.

    An order takes the place of an earlier one that the node agent may not have read, so it asks for no less.
    """
    path, given = place / f"{replica}.hold", time.time_ns()
    if earlier := Hold.read(path):
        counts = record is not None and record.stage is Stage.READY
        seconds = max(seconds, earlier.seconds - ((given - earlier.given) / 1e9 if counts else 0.0))
    put(path, Hold(seconds, given).to_json())


class Orders:
    """The orders for one replica, as its node agent reads them.

    Parameters
    ----------
    place
        The folder of the records.
    replica
        The replica's id.
    """

    def __init__(self, place: Path, replica: str) -> None:
        self.stop = self._woken = False
        self._place = place
        self._stop, self._hold, self._wake = (f"{replica}.{order}" for order in ("stop", "hold", "wake"))
        self._looked = float("-inf")
        self._seen: tuple[int, int] | None = None
        self._given: int | None = None

    def look(self) -> float | None:
        """Look at most every half second; return the seconds of an order to stay that is new."""
        if time.monotonic() - self._looked < LOOK_EVERY:
            return None
        self._looked = time.monotonic()
        names = {self._stop, self._hold, self._wake}
        # A listing, because a shared file system may remember for a minute that one file was not there.
        with contextlib.suppress(OSError), os.scandir(self._place) as entries:
            found = {entry.name: entry for entry in entries if entry.name in names}
            self.stop = self._stop in found
            if self._wake in found:
                self._woken = True
                (self._place / self._wake).unlink()
            if entry := found.get(self._hold):
                return self._read(entry)
        return None

    def woken(self) -> bool:
        """Say whether an order to be awake was found since this was asked last."""
        found, self._woken = self._woken, False
        return found

    def _read(self, entry: os.DirEntry[str]) -> float | None:
        seen = entry.inode(), entry.stat().st_mtime_ns
        if seen == self._seen:
            return None
        hold = Hold.read(Path(entry.path))
        if hold is None or hold.given == self._given:
            return None
        self._seen, self._given = seen, hold.given
        return hold.seconds

    def clear(self) -> None:
        """Remove what is left of them."""
        for name in (self._stop, self._hold, self._wake):
            with contextlib.suppress(OSError):
                (self._place / name).unlink(missing_ok=True)
