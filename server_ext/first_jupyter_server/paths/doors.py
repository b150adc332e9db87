"""Which replicas may open a tunnel to this server, and which of them have one open."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from first_jupyter_remote.protocol.connection import tunnel_key

__all__ = ["Doors"]


@dataclass
class _Door:
    key: str = field(repr=False)
    opened: Callable[[], None]
    is_open: asyncio.Event = field(default_factory=asyncio.Event)


class Doors:
    """The doors of this server, one for each replica.

    Parameters
    ----------
    url
        Returns the URL below which node agents find their doors; empty where they cannot reach this server.
    shut
        Called with a replica whose tunnel is of no more use.
    """

    def __init__(self, url: Callable[[], str] = str, shut: Callable[[str], None] = lambda _: None) -> None:
        self._url, self._shut = url, shut
        self._doors: dict[str, _Door] = {}

    @property
    def url(self) -> str:
        """Where the doors are; each at its replica's id."""
        return self._url()

    def expect(self, replica: str, key: str, opened: Callable[[], None]) -> None:
        """Let a replica's node agent in.

        Parameters
        ----------
        replica
            Its id.
        key
            Its own key, from which its node agent derives the one that it shows.
        opened
            Called when its tunnel is there, or there again.
        """
        known = self._doors.get(replica)
        if known is None or known.key != tunnel_key(key):
            self._doors[replica] = _Door(tunnel_key(key), opened)

    def forget(self, replica: str) -> None:
        """Let it in no more."""
        if self._doors.pop(replica, None) is not None:
            self._shut(replica)

    def admits(self, replica: str, shown: bytes) -> bool:
        """Return whether a key opens a replica's door, in a time that does not depend on where it differs."""
        door = self._doors.get(replica)
        return hmac.compare_digest(shown, (door.key if door is not None else tunnel_key("")).encode()) and (
            door is not None
        )

    def is_open(self, replica: str) -> bool:
        """Return whether its tunnel is there."""
        door = self._doors.get(replica)
        return door is not None and door.is_open.is_set()

    async def opens(self, replica: str, seconds: float) -> bool:
        """Wait for its tunnel, for so many seconds at most; return whether it is there."""
        if (door := self._doors.get(replica)) is None:
            return False
        try:
            async with asyncio.timeout(seconds):
                await door.is_open.wait()
        except TimeoutError:
            return False
        return True

    def told(self, replica: str, *, is_open: bool) -> None:
        """Take note of what the data plane says of its tunnel."""
        if (door := self._doors.get(replica)) is None:
            return
        if is_open:
            door.is_open.set()
            door.opened()
        else:
            door.is_open.clear()

    def all_shut(self) -> None:
        """Take note that the data plane is gone, and all tunnels with it."""
        for door in self._doors.values():
            door.is_open.clear()
