"""One room of a relay: who opened it, who joins it, and what passes between them."""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass

from first_jupyter_remote.protocol.meeting import SWITCHING, digest

from .pace import Pace

__all__ = ["GoneError", "Room", "Side"]

SILENT = 60.0
"""Seconds without a byte after which a room is closed; a tunnel gives a sign of life every 5 s."""

PIECE = 65_536


class GoneError(Exception):
    """A side hung up, or spoke before it was its turn."""


@dataclass(frozen=True, eq=False)
class Side:
    """The connection to one side."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def until(self, event: asyncio.Future[None]) -> None:
        """Wait for something while this side waits, too.

        Raises
        ------
        GoneError
            Where it does not.
        """
        leaving = asyncio.ensure_future(self.reader.read(1))
        try:
            await asyncio.wait((event, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            has_left = leaving.done()
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
        if has_left:
            raise GoneError


class Room:
    """A room.

    Parameters
    ----------
    owner
        Whose access key opened it.
    ticket
        The digest of the ticket that lets the other side in.
    """

    def __init__(self, owner: str, ticket: str) -> None:
        self.owner, self._ticket = owner, ticket
        self._other: Side | None = None
        self.joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.passed = 0
        self._heard = 0.0

    def admits(self, ticket: str) -> bool:
        """Return whether a ticket is for this room."""
        return hmac.compare_digest(digest(ticket).encode(), self._ticket.encode())

    @property
    def is_taken(self) -> bool:
        """Whether the other side is in it."""
        return self._other is not None

    def join(self, side: Side) -> None:
        """Let the other side in."""
        self._other = side
        self.joined.set_result(None)

    def close(self) -> None:
        """Send both sides away."""
        for event in (self.joined, self.over):
            if not event.done():
                event.set_result(None)

    async def serve(self, side: Side, pace: Pace) -> None:
        """Pass bytes on between who opened it and who joined it, until one of them leaves."""
        if self._other is None or self.over.done():
            return
        side.writer.write(SWITCHING)
        self._heard = asyncio.get_running_loop().time()
        passing = [
            asyncio.create_task(self._pass_on(side, self._other, pace)),
            asyncio.create_task(self._pass_on(self._other, side, pace)),
            asyncio.create_task(self._silence()),
        ]
        try:
            await asyncio.wait((*passing, self.over), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in passing:
                task.cancel()
            await asyncio.gather(*passing, return_exceptions=True)

    async def _pass_on(self, source: Side, sink: Side, pace: Pace) -> None:
        """Pass bytes on, no faster than they are taken."""
        clock = asyncio.get_running_loop().time
        while data := await source.reader.read(PIECE):
            self._heard = clock()
            self.passed += len(data)
            sink.writer.write(data)
            await sink.writer.drain()
            if (seconds := pace.wait(len(data), self._heard)) > 0:
                await asyncio.sleep(seconds)

    async def _silence(self) -> None:
        """Wait until nothing has passed for ``SILENT`` seconds."""
        clock = asyncio.get_running_loop().time
        left = SILENT
        while left > 0:
            await asyncio.sleep(left)
            left = self._heard + SILENT - clock()
