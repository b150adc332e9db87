"""What a server asked a cluster for: kept in a file, so that the next server finds its replicas."""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from first_jupyter_remote.protocol import ReplicaRecord, Wire

from .running import Running

__all__ = ["Asked", "Order", "owner"]


@dataclass(frozen=True, slots=True)
class Order(Wire):
    """One replica that was asked for.

    Parameters
    ----------
    replica, model
        Which one, of which model.
    task
        The task that is to become it, once the service gave it an id.
    follows
        The replica that it is to succeed.
    ready
        When it was ready, in seconds since the epoch.
    asked
        When it was asked for, in seconds since the epoch, where known.
    """

    replica: str
    model: str
    task: str | None = None
    follows: str | None = None
    ready: float | None = None
    asked: float | None = None

    def running(self, record: ReplicaRecord) -> Running:
        """Return the replica that became of it."""
        return Running(record, asked=self.asked, task=self.task, follows=self.follows, ready=self.ready)


class Asked:
    """The replicas that were asked for and are not known to have ended.

    Parameters
    ----------
    path
        The file; a missing or broken one holds nothing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.orders: dict[str, Order] = {}
        try:
            for entry in json.loads(path.read_text(encoding="utf-8")):
                self.add(Order.from_json(entry), keep=False)
        except (OSError, ValueError, TypeError, AttributeError):
            self.orders = {}

    def add(self, order: Order, *, keep: bool = True) -> None:
        """Remember an order."""
        self.orders[order.replica] = order
        if keep:
            self._write()

    def remove(self, replica: str) -> None:
        """Forget an order."""
        if self.orders.pop(replica, None) is not None:
            self._write()

    def _write(self) -> None:
        """Write the file; without it a restart forgets, and nothing else is lost."""
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft = self._path.with_suffix(f".{os.getpid()}.tmp")
            draft.write_text(
                json.dumps([order.to_json() for order in self.orders.values()]), encoding="utf-8"
            )
            draft.replace(self._path)


def owner(path: Path) -> str:
    """Return the name under which this server's replicas run; the same as long as its data folder lasts."""
    with suppress(OSError):
        if name := path.read_text(encoding="utf-8").strip():
            return name
    name = secrets.token_hex(8)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    return name
