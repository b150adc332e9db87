"""Looks names up: each in a thread of its own, and once at a time, so that one that hangs holds nobody up."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable
from typing import TypeVar

__all__ = ["addresses", "connect"]

_asked: dict[tuple[asyncio.AbstractEventLoop, str], asyncio.Future[list[str]]] = {}


P = TypeVar("P", bound=asyncio.BaseProtocol)


async def connect(make: Callable[[], P], host: str, port: int, context: ssl.SSLContext | None = None) -> P:
    """Connect to the first of a host's addresses that takes it, over TLS where there is a context for it.

    Raises
    ------
    OSError
        Where none does.
    """
    loop = asyncio.get_running_loop()
    name = None if context is None else host
    *others, last = await addresses(host)
    for address in others:
        try:
            return (await loop.create_connection(make, address, port, ssl=context, server_hostname=name))[1]
        except ssl.SSLError:
            raise
        except OSError:
            continue
    return (await loop.create_connection(make, last, port, ssl=context, server_hostname=name))[1]


async def addresses(host: str) -> list[str]:
    """Return the addresses of a host, the most promising first.

    A resolver that does not answer keeps its thread for half a minute. asyncio has few of them for all that
    blocks, and uvloop has two for all names: a few requests to one host would keep all others waiting.

    Raises
    ------
    OSError
        Where there are none.
    """
    if _is_address(host):
        return [host]
    loop = asyncio.get_running_loop()
    found = _asked.get((loop, host))
    if found is None:
        found = _asked[loop, host] = loop.create_future()
        found.add_done_callback(lambda done: _forget(loop, host, done))
        threading.Thread(target=_look_up, args=(loop, host, found), name="first-name", daemon=True).start()
    return await asyncio.shield(found)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _look_up(loop: asyncio.AbstractEventLoop, host: str, found: asyncio.Future[list[str]]) -> None:
    said: list[str] | OSError
    try:
        told = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        said = list(dict.fromkeys(str(where[0]) for *_, where in told))
    except OSError as error:
        said = error
    except UnicodeError:
        said = socket.gaierror(socket.EAI_NONAME, "it is not a name that a host can have")
    with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
        loop.call_soon_threadsafe(_tell, found, said)


def _tell(found: asyncio.Future[list[str]], said: list[str] | OSError) -> None:
    if found.done():
        return
    if isinstance(said, OSError):
        found.set_exception(said)
    else:
        found.set_result(said)


def _forget(loop: asyncio.AbstractEventLoop, host: str, done: asyncio.Future[list[str]]) -> None:
    _asked.pop((loop, host), None)
    if not done.cancelled():
        done.exception()  # whoever asked may have left
