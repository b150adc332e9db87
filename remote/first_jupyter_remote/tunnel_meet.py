"""Meets the Jupyter server at a relay: joins the replica's room, and speaks TLS with who opened it."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .protocol.connection import Connection, tunnel_key
from .protocol.meeting import HELD, JOIN, knock, room, ticket
from .tunnel_dial import DialError, ask, connect, in_words, shake_hands

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["meet"]

WITHIN = HELD + 15.0
PATH = "/first/tunnel"


async def meet(relay: str, certificate: str, key: str, make: Callable[[], Connection]) -> Connection:
    """Open a WebSocket to the Jupyter server, inside TLS through a relay that both dial.

    Parameters
    ----------
    relay
        The relay's URL.
    certificate
        The Jupyter server's own certificate (PEM): who shows another one is not talked to.
    key
        The replica's key.
    make
        Makes what takes the connection.

    Raises
    ------
    DialError
        Where there is no way, or nobody else came within the time that a relay waits.
    """
    with in_words(relay, WITHIN):
        async with asyncio.timeout(WITHIN):
            transport = await connect(relay)
            try:
                await _join(transport, relay, key)
                secure = await _secured(transport, relay, certificate)
                return await shake_hands(secure, PATH, _host(relay), tunnel_key(key), make)
            except BaseException:
                transport.abort()
                raise


async def _join(transport: asyncio.Transport, relay: str, key: str) -> None:
    status, words, _ = await ask(transport, knock(relay, JOIN, room(key), ticket(key)))
    if status == 204:
        raise DialError(f"the Jupyter server has not come to the relay {_host(relay)}", waited=True)
    if status != 101:
        raise DialError(f"the relay {_host(relay)} lets it into no room ({status} {words})")


async def _secured(transport: asyncio.Transport, relay: str, certificate: str) -> asyncio.Transport:
    # The certificate is the only one that counts, whatever name it bears: it came by Globus Compute.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.load_verify_locations(cadata=certificate)
    loop = asyncio.get_running_loop()
    if transport.is_closing():
        raise DialError(f"the relay {_host(relay)} hung up")
    try:
        secure = await loop.start_tls(transport, transport.get_protocol(), context)
    except ssl.SSLError as error:
        raise DialError(
            f"who answers at the relay {_host(relay)} is not this replica's Jupyter server "
            f"({error.reason or error})"
        ) from None
    assert secure is not None  # noqa: S101  (it is None for a transport that is closing, which raises)
    return secure


def _host(relay: str) -> str:
    return urlsplit(relay).netloc.rpartition("@")[2]
