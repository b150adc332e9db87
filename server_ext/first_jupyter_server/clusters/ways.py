"""Which way leads from this server to a replica: its address, a tunnel, or Globus Compute alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Literal, NamedTuple

from first_jupyter_remote.protocol import ReplicaRecord

from first_jupyter_server.paths.doors import Doors
from first_jupyter_server.paths.relay import Relay
from first_jupyter_server.paths.relay_answer import Relayed
from first_jupyter_server.paths.rooms import Rooms

from .globus_executor import RELAY
from .globus_faults import ComputeFault
from .globus_watch import SLOWNESS
from .reach import reach

__all__ = ["Path", "Way", "Ways"]

Path = Literal["direct", "tunnel", "rendezvous", "relay"]

EVERYWHERE = "0.0.0.0"  # noqa: S104  # on a node of the cluster, where the replica's key guards it
LOOPBACK = "127.0.0.1"

PAUSES = (0.0, 1.0, 3.0)
"""Seconds before each look for a way."""

LATE = 8.0
"""Seconds that a tunnel is waited for in the end: its node agent dials at once, and again."""

REMEMBERED = 600.0
"""Seconds for which a cluster whose node could not be reached is first asked for its tunnel, and after which
a replica that is reached another way is tried at its address again."""

SOON = 2.0
"""Seconds within which a node agent that may dial has dialled."""


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
    relay, relayed
        What has answers carried by Globus Compute, and where it asks for them.
    """

    def __init__(
        self, paths: Collection[Path], doors: Doors, rooms: Rooms, relay: Relay, relayed: Relayed
    ) -> None:
        self._paths, self._doors, self._rooms = paths, doors, rooms
        self._relay, self._relayed = relay, relayed
        self._not_relayed: dict[str, str] = {}
        self._unreached = -REMEMBERED

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
        return EVERYWHERE if {"direct", "relay"} & set(self._paths) else LOOPBACK

    def expect(self, record: ReplicaRecord, opened: Callable[[], None]) -> None:
        """Let a replica's tunnel in; ``opened`` is called when it is there."""
        if self.door and record.key:
            self._doors.expect(record.replica, record.key, opened)
        if self.invitation and record.key:
            self._rooms.expect(record.replica, record.key, opened)

    def forget(self, replica: str) -> None:
        """Let its tunnel in no more, and have nothing relayed to it."""
        self._doors.forget(replica)
        self._rooms.forget(replica)
        self._relay.forget(replica)
        self._not_relayed.pop(replica, None)

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

    async def find(self, record: ReplicaRecord, *, last: bool) -> Way | None:
        """Return the best way to a replica that is ready; None where there is none now.

        Parameters
        ----------
        record
            The replica's.
        last
            Whether a better one is waited for no longer.
        """
        remembers = time.monotonic() - self._unreached < REMEMBERED
        if remembers and self.door and await self._doors.opens(record.replica, SOON):
            return Way("tunnel", record.node or record.replica)
        if (host := await self.direct(record)) is not None:
            return Way("direct", host)
        if self._doors.is_open(record.replica):
            return Way("tunnel", record.node or record.replica)
        if self.invitation:
            self._rooms.open(record.replica)
            if self._rooms.is_open(record.replica):
                return Way("rendezvous", record.node or record.replica)
        if "relay" in self._paths and (last or not self.takes_tunnels) and await self._is_relayed(record):
            return Way("relay", record.node or record.replica)
        return None

    async def direct(self, record: ReplicaRecord) -> str | None:
        """Return the address at which a replica is reached, None where there is none now."""
        if "direct" not in self._paths:
            return None
        host = await reach(record)
        self._unreached = time.monotonic() if host is None else -REMEMBERED
        return host

    async def _is_relayed(self, record: ReplicaRecord) -> bool:
        """Have the login node ask the replica; that also gets its process there up, before a request is."""
        where = self._relayed
        try:
            said = await where.carrier.call(
                RELAY, "relay_reach", where.home, record.replica, patience=SLOWNESS
            )
            if not said["why"]:
                await self._relay.expect(record.replica, where._replace(address=said["address"]))
            self._not_relayed[record.replica] = said["why"]
        except ComputeFault as fault:
            self._not_relayed[record.replica] = fault.reason
        except OSError as error:
            self._not_relayed[record.replica] = f"{self._relay.path} cannot be made: {error}"
        return not self._not_relayed[record.replica]

    def none(self, record: ReplicaRecord) -> str:
        """Say that a replica is ready where this server does not reach it, and what to do about it."""
        tried = ", ".join(f"{address}:{record.port}" for address in record.addresses)
        parts = [f"this server reaches it at none of {tried}"] if "direct" in self._paths else []
        parts += self._no_tunnel(record)
        if not_relayed := self._not_relayed.get(record.replica):
            parts.append(f"Globus Compute carries no answers from it: {not_relayed}")
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
