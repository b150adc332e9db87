"""Which way leads from this server to a replica: its own address, or the tunnel that its node agent dials."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Literal, NamedTuple

from first_jupyter_remote.protocol import ReplicaRecord

from first_jupyter_server.paths.doors import Doors

from .reach import reach

__all__ = ["Path", "Way", "Ways"]

Path = Literal["direct", "tunnel"]

EVERYWHERE = "0.0.0.0"  # noqa: S104  # on a node of the cluster, where the replica's key guards it
LOOPBACK = "127.0.0.1"

PAUSES = (0.0, 1.0, 3.0)
"""Seconds before each look for a way."""

LATE = 8.0
"""Seconds that a tunnel is waited for in the end: its node agent dials at once, and again."""


class Way(NamedTuple):
    """How a replica is reached: the path, and the host that it is known by there."""

    path: Path
    host: str


class Ways:
    """The ways to the replicas of one cluster.

    Parameters
    ----------
    paths
        Those that may be used.
    doors
        Where node agents knock.
    """

    def __init__(self, paths: Collection[Path], doors: Doors) -> None:
        self._paths, self._doors = paths, doors

    @property
    def door(self) -> str:
        """Where node agents are to dial; empty where they are not to, or cannot."""
        return self._doors.url if "tunnel" in self._paths else ""

    @property
    def bind(self) -> str:
        """The address that inference servers listen on: no other machine needs one that answers by tunnel."""
        return EVERYWHERE if "direct" in self._paths else LOOPBACK

    def expect(self, record: ReplicaRecord, opened: Callable[[], None]) -> None:
        """Let a replica's tunnel in; ``opened`` is called when it is there."""
        if self.door and record.key:
            self._doors.expect(record.replica, record.key, opened)

    def forget(self, replica: str) -> None:
        """Let its tunnel in no more."""
        self._doors.forget(replica)

    @property
    def pauses(self) -> tuple[float, ...]:
        """Seconds to ``wait`` before each look for a way, until a replica is given up."""
        return (*PAUSES, LATE) if self.door else PAUSES

    async def wait(self, replica: str, seconds: float) -> None:
        """Wait until it is worth another look."""
        if self.door:
            await self._doors.opens(replica, seconds)
        else:
            await asyncio.sleep(seconds)

    async def find(self, record: ReplicaRecord) -> Way | None:
        """Return the best way to a replica that is ready; None where there is none now."""
        if "direct" in self._paths and (host := await reach(record)) is not None:
            return Way("direct", host)
        if self._doors.is_open(record.replica):
            return Way("tunnel", record.node or record.replica)
        return None

    def none(self, record: ReplicaRecord) -> str:
        """Say that a replica is ready where this server does not reach it, and what to do about it."""
        tried = ", ".join(f"{address}:{record.port}" for address in record.addresses)
        parts = [f"this server reaches it at none of {tried}"] if "direct" in self._paths else []
        if self.door:
            why = f": {record.no_tunnel}" if record.no_tunnel else ""
            parts.append(f"it opened no tunnel to this server{why}")
        elif "tunnel" in self._paths:
            parts.append("it cannot dial this server, whose public_url is not set (see docs/network.md)")
        return f"it is ready on {record.node}, but {', and '.join(parts)}; its node is given back"
