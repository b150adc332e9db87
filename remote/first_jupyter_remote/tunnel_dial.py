"""Dials a Jupyter server's door: TLS that is verified, the site's proxy, and the WebSocket handshake."""

from __future__ import annotations

import asyncio
import base64
import ssl
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from .protocol.connection import SUBPROTOCOL, Connection
from .protocol.websocket import accept, new_key

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DialError", "dial"]

WITHIN = 15.0
LONGEST_HEAD = 65_536


class DialError(Exception):
    """There is no way to the door; the message says why, and what to do."""


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
    host, tls = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if tls else 80)
    at = f"{host}:{port}"
    try:
        async with asyncio.timeout(WITHIN):
            transport = await _connect(host, port, tls=tls)
            return await _shake_hands(transport, parts.path or "/", parts.netloc, key, make)
    except TimeoutError:
        raise DialError(f"{at} does not answer within {WITHIN:g} s") from None
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


async def _connect(host: str, port: int, *, tls: bool) -> asyncio.Transport:
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
    status, words, _ = await _ask(transport, lines)
    if status != 200:
        transport.abort()
        raise DialError(f"{named} opens no way to {authority} ({status} {words})")
    return transport


async def _shake_hands(
    transport: asyncio.Transport, path: str, host: str, key: str, make: Callable[[], Connection]
) -> Connection:
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
    status, words, head = await _ask(transport, lines)
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


class _Head(asyncio.Protocol):
    """Waits for the head of an answer."""

    def __init__(self) -> None:
        self._said = b""
        self.headers: dict[str, str] = {}
        self.rest = b""
        self.first: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        """Take the answer until its head is whole."""
        self._said += data
        head, end, rest = self._said.partition(b"\r\n\r\n")
        if self.first.done() or not (end or len(self._said) > LONGEST_HEAD):
            self.rest += data if self.first.done() else b""
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        for line in lines:
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()
        self.rest = rest
        self.first.set_result(first)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up."""
        if not self.first.done():
            self.first.set_exception(exc or ConnectionResetError("it hung up before it answered"))


async def _ask(transport: asyncio.Transport, lines: list[str]) -> tuple[int, str, _Head]:
    """Send the head of a request; return the status of the answer, its words, and its head."""
    head = _Head()
    transport.set_protocol(head)
    transport.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
    version, _, rest = (await head.first).partition(" ")
    status, _, words = rest.partition(" ")
    is_http = version.startswith("HTTP/") and status.isdigit()
    return (int(status), words, head) if is_http else (0, "it does not speak HTTP", head)
