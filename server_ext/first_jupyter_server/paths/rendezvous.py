"""Meets node agents at a relay: opens each replica's room, again and again, and takes its tunnel there."""

from __future__ import annotations

import asyncio
import hmac
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

from first_jupyter_remote.protocol.connection import welcome
from first_jupyter_remote.protocol.head import Head, status_of
from first_jupyter_remote.protocol.meeting import HELD, OPEN, SWITCHING, TICKET, knock

from first_jupyter_server.dataplane.dialing import dial

from .tunnels import Tunnels

__all__ = ["Rendezvous"]

WITHIN = 15.0
"""Seconds for the other side to be known once it is there."""

PAUSES = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds between two tries, the more fail in a row the longer."""

REFUSED = {
    401: "does not know the access key in FirstApp.relay_key_file",
    404: "is none: check FirstApp.relay_url",
    409: "has this replica's room open for another access key",
    429: "has as many rooms open for this access key as it may have",
}

P = TypeVar("P", bound=asyncio.BaseProtocol)


@dataclass(frozen=True, slots=True)
class _Wish:
    """Whom to meet where; ``relay`` is the URL, ``ticket`` the digest of what opens the room."""

    replica: str
    relay: str
    room: str
    ticket: str
    identity: str
    access: str = field(repr=False)
    key: str = field(repr=False)

    @property
    def host(self) -> str:
        return urlsplit(self.relay).netloc


class Rendezvous:
    """All tunnels that come through a relay.

    Parameters
    ----------
    changed
        Called with a replica's id, and whether its tunnel is there now.
    troubled
        Called with a replica's id, and with what keeps this server from meeting it; with nothing once it has.
    """

    def __init__(self, changed: Callable[[str, bool], None], troubled: Callable[[str, str], None]) -> None:
        self._tunnels = Tunnels(changed)
        self._troubled = troubled
        self._meeting: dict[str, tuple[_Wish, asyncio.Task[None]]] = {}

    def open(self, message: dict[str, Any]) -> None:
        """Meet a replica's node agent, until ``shut``."""
        wish = _Wish(**{each.name: message[each.name] for each in fields(_Wish)})
        known = self._meeting.get(wish.replica)
        if known is not None and known[0] == wish:
            return
        self.shut(wish.replica)
        self._meeting[wish.replica] = wish, asyncio.get_running_loop().create_task(self._meet_on(wish))

    def shut(self, replica: str) -> None:
        """Meet it no more: the replica is gone."""
        if (known := self._meeting.pop(replica, None)) is not None:
            known[1].cancel()
        self._tunnels.end(replica)

    async def dial(self, replica: str, make: Callable[[], P]) -> P:
        """Open a stream to a replica.

        Raises
        ------
        OSError
            Where its tunnel is away, and does not come back within a while.
        """
        return await self._tunnels.dial(replica, make)

    async def _meet_on(self, wish: _Wish) -> None:
        failed = 0
        while True:
            try:
                gone = await self._meet(wish)
                if gone is not None:
                    self._troubled(wish.replica, "")
                    await gone
                failed = 0
            except OSError as error:
                self._troubled(wish.replica, str(error))
                failed += 1
            await asyncio.sleep(PAUSES[min(failed, len(PAUSES) - 1)])

    async def _meet(self, wish: _Wish) -> asyncio.Future[None] | None:
        """Meet once; return what is done when the connection is gone, None where nobody came.

        Raises
        ------
        OSError
            Where the relay cannot be reached or does not open the room, or somebody else came; in words.
        """
        parts = urlsplit(wish.relay)
        tls = parts.scheme == "https"
        outer = await dial(Head, parts.hostname or "", parts.port or (443 if tls else 80), tls=tls)
        transport = outer.transport
        try:
            if not await _opened(outer, wish):
                transport.abort()
                return None
            # From here on the other side speaks, once it has this.
            transport.write(SWITCHING)
            return await self._secured(transport, wish)
        except BaseException:
            transport.abort()
            raise

    async def _secured(self, transport: asyncio.Transport, wish: _Wish) -> asyncio.Future[None]:
        """Speak TLS with who came, and take its tunnel if it has the key."""
        inner = Head()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(WITHIN):
                context = _context(wish.identity)
                secure = await loop.start_tls(transport, inner, context, server_side=True)
                await inner.first
        except TimeoutError:
            raise OSError(f"who came to the relay {wish.host} said nothing within {WITHIN:g} s") from None
        except (OSError, RuntimeError) as error:  # uvloop's, where the connection has just been closed
            why = getattr(error, "reason", "") or str(error) or "it hung up"
            raise OSError(f"who came to the relay {wish.host} left before it was known ({why})") from None
        assert secure is not None  # noqa: S101  # it is None for a transport that is closing, which raises
        shown = inner.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(shown.encode(), wish.key.encode()):
            raise OSError(f"who came to the relay {wish.host} has no key of this replica")
        return self._tunnels.adopt(secure, wish.replica, welcome(inner.headers.get("sec-websocket-key", "")))


async def _opened(outer: Head, wish: _Wish) -> bool:
    """Open the room; return whether the other side came within the time that a relay waits."""
    outer.transport.write(knock(wish.relay, OPEN, wish.room, wish.access, f"{TICKET}: {wish.ticket}"))
    try:
        async with asyncio.timeout(HELD + WITHIN):
            status, words = status_of(await outer.first)
    except TimeoutError:
        raise OSError(f"the relay {wish.host} does not answer") from None
    except OSError as error:
        raise OSError(f"the relay {wish.host} hung up: {error.strerror or error}") from None
    if status not in (101, 204):
        said = REFUSED.get(status, f"opens no room ({status} {words})")
        raise OSError(f"the relay {wish.host} {said}")
    return status == 101


@cache
def _context(identity: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(identity)
    return context
