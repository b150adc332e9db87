"""Which replicas may open a tunnel to this server, and which of them have one open."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from first_jupyter_remote.protocol.connection import tunnel_key

__all__ = ["Doors", "Opening", "Openings"]


@dataclass
class Opening:
    """What one replica's tunnel comes through."""

    key: str = field(repr=False)
    opened: Callable[[], None]
    is_open: asyncio.Event = field(default_factory=asyncio.Event)


class Openings:
    """What tunnels come through, one for each replica.

    Parameters
    ----------
    shut
        Called with a replica whose tunnel is of no more use.
    """

    def __init__(self, shut: Callable[[str], None] = lambda _: None) -> None:
        self._shut = shut
        self._openings: dict[str, Opening] = {}

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
        known = self._openings.get(replica)
        if known is None or known.key != key:
            self._openings[replica] = Opening(key, opened)

    def forget(self, replica: str) -> None:
        """Let it in no more."""
        if self._openings.pop(replica, None) is not None:
            self._shut(replica)

    def is_open(self, replica: str) -> bool:
        """Return whether its tunnel is there."""
        opening = self._openings.get(replica)
        return opening is not None and opening.is_open.is_set()

    async def opens(self, replica: str, seconds: float) -> bool:
        """Wait for its tunnel, for so many seconds at most; return whether it is there."""
        if (opening := self._openings.get(replica)) is None:
            return False
        try:
            async with asyncio.timeout(seconds):
                await opening.is_open.wait()
        except TimeoutError:
            return False
        return True

    def told(self, replica: str, *, is_open: bool) -> None:
        """Take note of what the data plane says of its tunnel."""
        if (opening := self._openings.get(replica)) is None:
            return
        if is_open:
            opening.is_open.set()
            opening.opened()
        else:
            opening.is_open.clear()

    def all_shut(self) -> None:
        """Take note that the data plane is gone, and all tunnels with it."""
        for opening in self._openings.values():
            opening.is_open.clear()


class Doors(Openings):
    """The doors of this server.

    Parameters
    ----------
    url
        Returns the URL below which node agents find their doors; empty where they cannot reach this server.
    shut
        Called with a replica whose tunnel is of no more use.
    """

    def __init__(self, url: Callable[[], str] = str, shut: Callable[[str], None] = lambda _: None) -> None:
        super().__init__(shut)
        self._url = url

    @property
    def url(self) -> str:
        """Where the doors are; each at its replica's id."""
        return self._url()

    def admits(self, replica: str, shown: bytes) -> bool:
        """Return whether a key opens a replica's door, in a time that does not depend on where it differs."""
        door = self._openings.get(replica)
        key = tunnel_key(door.key if door is not None else "")
        return hmac.compare_digest(shown, key.encode()) and door is not None
