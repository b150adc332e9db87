"""All clients: whether there is room for one more, and how long one may let us wait."""

from __future__ import annotations

import asyncio
from typing import Protocol

from first_jupyter_server.errors import ApiError
from first_jupyter_server.processes.descriptors import allowed

from .known_heads import KnownHeads

__all__ = ["EVERY", "GRACE", "IDLE", "PATIENCE", "PIECE", "Client", "Crowd"]

RESERVE = 64
"""Files that may be open besides connections: pipes, sockets, tunnels, who is being turned away."""

PATIENCE = 30.0
"""Seconds in which a head has to be whole, a body to bring its next ``PIECE`` bytes, an answer after which
nothing follows to be read."""

PIECE = 4_096
"""Bytes of a body that count as coming on."""

GRACE = 2.0
"""Seconds that a stranger has to show the key while there are too many."""

IDLE = 300.0
"""Seconds for which a connection is kept between two requests."""

EVERY = 5.0
"""Seconds between two looks at all of them: so much later than said one may end."""

_LIMITS = {"head": PATIENCE, "body": PATIENCE, "close": PATIENCE, "idle": IDLE}

Standing = tuple[str, int]
"""What is waited for, and something that changes whenever it has come nearer."""


class Client(Protocol):
    """A client's connection, as it is seen here."""

    def standing(self) -> Standing:
        """Return ``head``, ``body``, ``idle`` or ``close``; ``answer`` where the client is who waits."""

    def overdue(self, awaited: str) -> None:
        """End it: what was waited for has not come."""

    def make_room(self) -> None:
        """Hang up: it has not shown the key, and there are too many."""


class Crowd:
    """The clients of this process, each of whom takes two descriptors: its own connection and a replica's.

    Without one for the replica an answer would fail, and without one for itself a client would be hung up on
    without a word. So those for whom there are not both are told so. One timer looks at all: none has a clock
    of its own.

    Parameters
    ----------
    most
        How many clients there may be.

    Attributes
    ----------
    heads
        The heads with which they ask.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = max(1, (allowed() - RESERVE) // 2) if most is None else most
        self.heads = KnownHeads()
        self._here: dict[Client, tuple[Standing, float]] = {}
        self._strangers: dict[Client, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._here)

    def came(self, client: Client) -> bool:
        """Count one more client; returns whether it finds room.

        Where there is none, the stranger leaves who has been here longest: who had the time to show the key.
        """
        loop = asyncio.get_running_loop()
        now = loop.time()
        longest = next(iter(self._strangers), client)
        if len(self._here) >= self._most and now - self._strangers.get(longest, now) > GRACE:
            self.left(longest)
            longest.make_room()
        self._strangers[client] = now
        self._here[client] = client.standing(), now
        if self._timer is None:
            self._timer = loop.call_later(EVERY, self._look)
        return len(self._here) <= self._most

    def knows(self, client: Client) -> None:
        """Take note that a client has shown the key."""
        self._strangers.pop(client, None)

    def left(self, client: Client) -> None:
        """Count one client less."""
        self._strangers.pop(client, None)
        self._here.pop(client, None)

    def refusal(self) -> ApiError:
        """Say that there is no room, and what to do now."""
        message = (
            f"There are {self._most} connections to this server already, and it may open no more files. Try "
            "again in a moment; if that happens often, raise the limit of open files (ulimit -n) for Jupyter."
        )
        return ApiError(
            503, message, kind="service_unavailable", code="too_many_connections", retry_after=1.0
        )

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for client, (before, since) in list(self._here.items()):
            standing = client.standing()
            if standing != before:
                self._here[client] = standing, now
            elif now - since >= _LIMITS.get(standing[0], float("inf")):
                client.overdue(standing[0])
        self._timer = loop.call_later(EVERY, self._look) if self._here else None
