"""The relay: has two sides that both dialled it meet in a room, and passes on what it cannot read."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, NoReturn

from first_jupyter_remote.protocol.head import parsed
from first_jupyter_remote.protocol.meeting import HELD, JOIN, TICKET, UPGRADE

from .pace import Pace
from .room import GoneError, Room, Side

if TYPE_CHECKING:
    from collections.abc import Callable

    from .access import Access

__all__ = ["Limits", "Relay"]

HEAD_WITHIN = 10.0
"""Seconds for a request to be there."""

WAITING = 1_024
"""Sides without a key that wait for their room to be opened, all together."""

LEAVE_WITHIN = 5.0
"""Seconds in which a side has to take what was sent to it last."""

_ASKED = re.compile(r"GET (?:/[^ ?]*)?/(?P<action>open|join)/(?P<room>[0-9a-f]{64}) HTTP/1\.1")
_TICKET = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Limits:
    """What each access key may have.

    Parameters
    ----------
    rooms
        Rooms at once, one for each replica.
    rate
        Bytes in a second, of all its rooms and both directions.
    """

    rooms: int
    rate: float


class RefusedError(Exception):
    """A request is refused, with this status and these words."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status

    def answer(self) -> bytes:
        """Return it on the wire."""
        body = f"{self}\n".encode() if str(self) else b""
        lines = (
            f"HTTP/1.1 {self.status.value} {self.status.phrase}",
            "Content-Type: text/plain; charset=utf-8",
            *([f"Content-Length: {len(body)}"] if body else ()),
            "Connection: close",
        )
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class Relay:
    """A relay's rooms.

    Parameters
    ----------
    access
        The access keys.
    limits
        What each of them may have.
    tell
        Takes what there is to say for the log: never a key, a ticket or a room.
    """

    def __init__(self, access: Access, limits: Limits, tell: Callable[[str], None]) -> None:
        self._access, self._limits, self._tell = access, limits, tell
        self._rooms: dict[str, Room] = {}
        self._waiting: dict[str, list[asyncio.Future[None]]] = defaultdict(list)
        self._paces: dict[str, Pace] = defaultdict(lambda: Pace(limits.rate))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        side = Side(reader, writer)
        try:
            await self._admit(side)
        except RefusedError as refused:
            writer.write(refused.answer())
        except (OSError, GoneError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        except asyncio.CancelledError:
            pass  # the relay is told to end, and says goodbye below
        finally:
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(LEAVE_WITHIN):
                    await writer.wait_closed()
            writer.transport.abort()

    async def _admit(self, side: Side) -> None:
        async with asyncio.timeout(HEAD_WITHIN):
            head = await side.reader.readuntil(b"\r\n\r\n")
        first, fields = parsed(head.removesuffix(b"\r\n\r\n"))
        asked = _ASKED.fullmatch(first)
        if asked is None:
            raise RefusedError(
                HTTPStatus.NOT_FOUND, "This is a relay of first-jupyter; there is nothing else."
            )
        if fields.get("upgrade") != UPGRADE:
            raise RefusedError(HTTPStatus.BAD_REQUEST, f"The field Upgrade has to say {UPGRADE} here.")
        scheme, _, bearer = fields.get("authorization", "").partition(" ")
        shown = bearer.strip() if scheme.lower() == "bearer" else ""
        if asked["action"] == JOIN:
            await self._join(side, asked["room"], shown)
        else:
            await self._open(side, asked["room"], shown, fields.get(TICKET.lower(), ""))

    async def _open(self, side: Side, name: str, shown: str, ticket: str) -> None:
        """Have a room opened, and be served until one side leaves."""
        owner = self._access.whose(shown)
        if owner is None:
            raise RefusedError(HTTPStatus.UNAUTHORIZED, "This is no access key of this relay.")
        if not _TICKET.fullmatch(ticket):
            raise RefusedError(
                HTTPStatus.BAD_REQUEST, f"The field {TICKET} has to say the SHA-256 of a ticket."
            )
        self._make_way(name, owner)
        room = self._rooms[name] = Room(owner, ticket)
        # In their order: of several who have the ticket, who came last is let in.
        for waiting in self._waiting.pop(name, ()):
            waiting.set_result(None)
        try:
            await self._held(side, room.joined)
            await room.serve(side, self._paces[owner])
        finally:
            self._close(name, room)
        self._tell(f"a room of {owner} is closed, {room.passed:,} bytes have passed")

    def _make_way(self, name: str, owner: str) -> None:
        """Close the room that has this name, or see that there may be one more."""
        if (before := self._rooms.get(name)) is not None:
            if before.owner != owner:
                raise RefusedError(HTTPStatus.CONFLICT, "Another access key has this room open.")
            self._close(name, before)
        elif sum(room.owner == owner for room in self._rooms.values()) >= self._limits.rooms:
            self._tell(f"{owner} has {self._limits.rooms} rooms open and wanted one more")
            raise RefusedError(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"This access key has {self._limits.rooms} rooms open, as many as it may.",
            )

    async def _join(self, side: Side, name: str, ticket: str) -> None:
        """Be let into a room, now or once it is opened, and stay until it is closed."""
        while (room := self._rooms.get(name)) is None or room.is_taken:
            if room is None:
                await self._opened(side, name)
            elif not room.admits(ticket):
                self._no_ticket()
            else:
                # Who comes again knows that the connection before this one is of no more use.
                self._close(name, room)
        if not room.admits(ticket):
            self._no_ticket()
        room.join(side)
        self._tell(f"a room of {room.owner} is joined")
        await room.over

    def _no_ticket(self) -> NoReturn:
        raise RefusedError(HTTPStatus.UNAUTHORIZED, "This is no ticket to this room.")

    async def _opened(self, side: Side, name: str) -> None:
        if sum(map(len, self._waiting.values())) >= WAITING:
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "Too many wait here already.")
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[name].append(opened)
        try:
            await self._held(side, opened)
        finally:
            if not opened.done():
                self._waiting[name].remove(opened)
                if not self._waiting[name]:
                    del self._waiting[name]

    async def _held(self, side: Side, event: asyncio.Future[None]) -> None:
        """Have one side wait for the other."""
        try:
            async with asyncio.timeout(HELD):
                await side.until(event)
        except TimeoutError:
            # Nobody else has come yet; who still wants to meet asks again.
            raise RefusedError(HTTPStatus.NO_CONTENT, "") from None

    def _close(self, name: str, room: Room) -> None:
        if self._rooms.get(name) is room:
            del self._rooms[name]
        room.close()
