"""Dials a Jupyter server's door: TLS that is verified, the site's proxy, and the WebSocket handshake."""

from __future__ import annotations

import asyncio
import base64
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from .protocol.connection import SUBPROTOCOL, Connection
from .protocol.head import Head, status_of
from .protocol.websocket import accept, new_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["DialError", "ask", "connect", "dial", "in_words", "shake_hands"]

WITHIN = 15.0


class DialError(Exception):
    """There is no way to the door; the message says why, and what to do.

    Parameters
    ----------
    why
        That.
    waited
        Whether the other side was waited for already, so that it is dialled again at once.
    """

    def __init__(self, why: str, *, waited: bool = False) -> None:
        super().__init__(why)
        self.waited = waited


async def dial(url: str, key: str, make: Callable[[], Connection]) -> Connection:
    """Open a WebSocket at a URL (RFC 6455, section 4.1).

    Parameters
    ----------
    url
        ``http://`` or ``https://``; ``https_proxy``, ``http_proxy`` and ``no_proxy`` are honoured.
    key
        What the ``Authorization: Bearer`` header says.
    make
        Makes what takes the connection.

    Raises
    ------
    DialError
        Where there is no way, also after ``WITHIN`` seconds.
    """
    parts = urlsplit(url)
    with in_words(url, WITHIN):
        async with asyncio.timeout(WITHIN):
            transport = await connect(url)
            try:
                return await shake_hands(transport, parts.path or "/", parts.netloc, key, make)
            except BaseException:
                transport.abort()
                raise


@contextmanager
def in_words(url: str, seconds: float) -> Iterator[None]:
    """Have a ``DialError`` say what keeps a URL from being reached, so many seconds being up among it."""
    host, port, _ = _at(url)
    at = f"{host}:{port}"
    try:
        yield
    except TimeoutError:
        raise DialError(f"{at} does not answer within {seconds:g} s") from None
    except ssl.SSLCertVerificationError as error:
        said = error.verify_message.rstrip(".")
        raise DialError(
            f"the certificate of {at} is not trusted on this node ({said}): name the file with its CA in "
            "SSL_CERT_FILE where the endpoint's jobs get their environment"
        ) from None
    except ConnectionRefusedError:
        raise DialError(f"{at} takes no connections from this node") from None
    except OSError as error:
        raise DialError(f"{at} cannot be reached from this node: {error.strerror or error}") from None


async def connect(url: str) -> asyncio.Transport:
    """Open a connection to a URL's host, through the site's proxy where the environment names one."""
    host, port, tls = _at(url)
    loop = asyncio.get_running_loop()
    context = await asyncio.to_thread(ssl.create_default_context) if tls else None
    proxy = _proxy(host, port, tls=tls)
    if proxy is None:
        transport, _ = await loop.create_connection(asyncio.Protocol, host, port, ssl=context)
        return transport
    way = await _through(proxy, f"{host}:{port}")
    if context is None:
        return way
    secure = await loop.start_tls(way, way.get_protocol(), context, server_hostname=host)
    assert secure is not None  # noqa: S101  (it is None for a transport that is closing, which raises)
    return secure


def _at(url: str) -> tuple[str, int, bool]:
    """Return the host, the port, and whether TLS is spoken there."""
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    return parts.hostname or "", parts.port or (443 if tls else 80), tls


def _request(lines: list[str]) -> bytes:
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _proxy(host: str, port: int, *, tls: bool) -> str | None:
    """Return the proxy that the environment names, None where it names none for this host."""
    known = getproxies()
    url = known.get("https" if tls else "http") or known.get("all")
    return None if not url or proxy_bypass(f"{host}:{port}") else url


async def _through(proxy: str, authority: str) -> asyncio.Transport:
    """Have a proxy open a way (RFC 9110, section 9.3.6)."""
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    named = f"the proxy {parts.hostname}:{parts.port or 80}"
    if parts.scheme != "http" or parts.hostname is None:
        raise DialError(f"https_proxy names a proxy of {parts.scheme}://; name an HTTP proxy")
    loop = asyncio.get_running_loop()
    try:
        transport, _ = await loop.create_connection(asyncio.Protocol, parts.hostname, parts.port or 80)
    except OSError as error:
        raise DialError(f"{named} cannot be reached: {error.strerror or error}") from None
    lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        lines.append(f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}")
    try:
        status, words, _ = await ask(transport, _request(lines))
    except BaseException:
        transport.abort()
        raise
    if status != 200:
        transport.abort()
        raise DialError(f"{named} opens no way to {authority} ({status} {words})")
    return transport


async def shake_hands(
    transport: asyncio.Transport, path: str, host: str, key: str, make: Callable[[], Connection]
) -> Connection:
    """Make a connection a WebSocket (RFC 6455, section 4.1).

    Parameters
    ----------
    transport
        The connection.
    path, host
        What is asked for there.
    key
        What the ``Authorization: Bearer`` header says.
    make
        Makes what takes the connection.

    Raises
    ------
    DialError
        Where the other side takes no tunnel.
    """
    nonce = new_key()
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host.rpartition('@')[2]}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {nonce}",
        f"Sec-WebSocket-Protocol: {SUBPROTOCOL}",
        f"Authorization: Bearer {key}",
    ]
    status, words, head = await ask(transport, _request(lines))
    if status != 101 or head.headers.get("sec-websocket-accept") != accept(nonce):
        transport.abort()
        raise DialError(f"{host} opens no tunnel ({status} {words})")
    connection = make()
    transport.set_protocol(connection)
    connection.connection_made(transport)
    if head.rest:
        connection.data_received(head.rest)
    if transport.is_closing():
        raise DialError(f"{host} hung up at once")
    return connection


async def ask(transport: asyncio.Transport, request: bytes) -> tuple[int, str, Head]:
    """Send the head of a request; return the status of the answer, its words, and its head."""
    head = Head()
    transport.set_protocol(head)
    transport.write(request)
    return *status_of(await head.first), head
