"""Which way leads from this server to a replica: its own address, or a tunnel that its node agent dials."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Literal, NamedTuple

from first_jupyter_remote.protocol import ReplicaRecord

from first_jupyter_server.paths.doors import Doors
from first_jupyter_server.paths.rooms import Rooms

from .reach import reach

__all__ = ["Path", "Way", "Ways"]

Path = Literal["direct", "tunnel", "rendezvous"]

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
    rooms
        Where this server meets node agents at a relay.
    """

    def __init__(self, paths: Collection[Path], doors: Doors, rooms: Rooms) -> None:
        self._paths, self._doors, self._rooms = paths, doors, rooms

    @property
    def door(self) -> str:
        """Where node agents are to dial; empty where they are not to, or cannot."""
        return self._doors.url if "tunnel" in self._paths else ""

    @property
    def invitation(self) -> dict[str, str]:
        """Where node agents are to come to meet this server; empty where they are not to, or cannot."""
        return self._rooms.invitation if "rendezvous" in self._paths else {}

    @property
    def takes_tunnels(self) -> bool:
        """Whether node agents are to dial anywhere."""
        return bool(self.door or self.invitation)

    @property
    def bind(self) -> str:
        """The address that inference servers listen on: no other machine needs one that answers by tunnel."""
        return EVERYWHERE if "direct" in self._paths else LOOPBACK

    def expect(self, record: ReplicaRecord, opened: Callable[[], None]) -> None:
        """Let a replica's tunnel in; ``opened`` is called when it is there."""
        if self.door and record.key:
            self._doors.expect(record.replica, record.key, opened)
        if self.invitation and record.key:
            self._rooms.expect(record.replica, record.key, opened)

    def forget(self, replica: str) -> None:
        """Let its tunnel in no more."""
        self._doors.forget(replica)
        self._rooms.forget(replica)

    @property
    def pauses(self) -> tuple[float, ...]:
        """Seconds to ``wait`` before each look for a way, until a replica is given up."""
        return (*PAUSES, LATE) if self.takes_tunnels else PAUSES

    async def wait(self, replica: str, seconds: float) -> None:
        """Wait until it is worth another look."""
        dialled = [*([self._doors] if self.door else ()), *([self._rooms] if self.invitation else ())]
        if not dialled:
            await asyncio.sleep(seconds)
            return
        opening = [asyncio.create_task(each.opens(replica, seconds)) for each in dialled]
        await asyncio.wait(opening, return_when=asyncio.FIRST_COMPLETED)
        for task in opening:
            task.cancel()

    async def find(self, record: ReplicaRecord) -> Way | None:
        """Return the best way to a replica that is ready; None where there is none now."""
        if "direct" in self._paths and (host := await reach(record)) is not None:
            return Way("direct", host)
        if self._doors.is_open(record.replica):
            return Way("tunnel", record.node or record.replica)
        if self.invitation:
            self._rooms.open(record.replica)
            if self._rooms.is_open(record.replica):
                return Way("rendezvous", record.node or record.replica)
        return None

    def none(self, record: ReplicaRecord) -> str:
        """Say that a replica is ready where this server does not reach it, and what to do about it."""
        tried = ", ".join(f"{address}:{record.port}" for address in record.addresses)
        parts = [f"this server reaches it at none of {tried}"] if "direct" in self._paths else []
        parts += self._no_tunnel(record)
        return f"it is ready on {record.node}, but {', and '.join(parts)}; its node is given back"

    def _no_tunnel(self, record: ReplicaRecord) -> list[str]:
        """Say why there is no tunnel, as far as there could have been one."""
        parts = []
        if self.takes_tunnels:
            to = [*(["this server"] if self.door else ()), *(["the relay"] if self.invitation else ())]
            whys = filter(None, (record.no_tunnel, self._rooms.trouble(record.replica)))
            parts.append(
                ": ".join(filter(None, (f"it opened no tunnel to {' or '.join(to)}", "; ".join(whys))))
            )
        if "tunnel" in self._paths and not self.door:
            parts.append("it cannot dial this server, whose public_url is not set (see docs/network.md)")
        if set(self._paths) == {"rendezvous"} and not self.invitation:
            parts.append("this server knows no relay: set relay_url and relay_key_file (see docs/network.md)")
        return parts
