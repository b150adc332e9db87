"""The rooms at a relay in which this server meets node agents: which it has opened, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from first_jupyter_remote.protocol.connection import tunnel_key
from first_jupyter_remote.protocol.meeting import digest, room, ticket

from .doors import Openings
from .identity import certificate
from .meeting_place import MeetingPlace

__all__ = ["Rooms"]


class Rooms(Openings):
    """The rooms of this server.

    Parameters
    ----------
    relay
        Where they are; None where there is no relay.
    identity
        The file with the certificate that this server shows there, and its private key.
    send
        Takes messages for the data plane, which does the dialling.
    """

    def __init__(
        self,
        relay: MeetingPlace | None = None,
        identity: Path = Path(),
        send: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> None:
        super().__init__(lambda replica: send({"type": "shut", "replica": replica}))
        self._relay, self._identity, self._send = relay, identity, send
        self._certificate = certificate(identity) if relay is not None else ""
        self._wanted: set[str] = set()
        self._troubles: dict[str, str] = {}

    @property
    def invitation(self) -> dict[str, str]:
        """What node agents are told: where to come, and by what they know this server; nothing secret."""
        if self._relay is None:
            return {}
        return {"relay": self._relay.url, "certificate": self._certificate}

    @property
    def host(self) -> str:
        """The relay's name, for people."""
        return self._relay.host if self._relay is not None else ""

    def open(self, replica: str) -> None:
        """Open a replica's room, and again whenever it is closed, until the replica is forgotten."""
        opening = self._openings.get(replica)
        if self._relay is None or opening is None:
            return
        self._wanted.add(replica)
        self._send(
            {
                "type": "rendezvous",
                "replica": replica,
                "relay": self._relay.url,
                "access": self._relay.access,
                "room": room(opening.key),
                "ticket": digest(ticket(opening.key)),
                "key": tunnel_key(opening.key),
                "identity": str(self._identity),
            }
        )

    def open_all(self) -> None:
        """Have a data plane that was started anew open all rooms again."""
        for replica in sorted(self._wanted):
            self.open(replica)

    def forget(self, replica: str) -> None:
        """Close its room."""
        self._wanted.discard(replica)
        self._troubles.pop(replica, None)
        super().forget(replica)

    def trouble(self, replica: str) -> str:
        """Return what keeps this server from meeting a replica, as far as it is this server's."""
        return self._troubles.get(replica, "")

    def troubled(self, replica: str, why: str) -> None:
        """Take note of what the data plane says about it."""
        if replica in self._wanted:
            self._troubles[replica] = why
