"""The way through a site's proxy: which one the environment names, and the tunnel that it opens (CONNECT)."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from .names import connect

__all__ = ["Proxy", "ProxyError", "proxy_for", "tunnel"]

LONGEST_ANSWER = 65_536


class ProxyError(OSError):
    """A proxy that opens no way; the message says which, and what to do now."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, as ``https_proxy`` names it."""

    host: str
    port: int
    credentials: str | None = field(default=None, repr=False)

    def asks(self, authority: str) -> bytes:
        """Return the request for a tunnel (RFC 9110, section 9.3.6)."""
        lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
        if self.credentials is not None:
            coded = base64.b64encode(self.credentials.encode()).decode()
            lines.append(f"Proxy-Authorization: Basic {coded}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


def proxy_for(host: str, port: int) -> Proxy | None:
    """Return the proxy that ``https_proxy`` names for a host, None where ``no_proxy`` or nobody names one.

    Raises
    ------
    ProxyError
        Where it is not an HTTP proxy.
    """
    known = getproxies()
    url = known.get("https") or known.get("all")
    if not url or proxy_bypass(f"{host}:{port}"):
        return None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http" or parts.hostname is None:
        raise ProxyError(
            f"https_proxy names {parts.scheme}://{parts.hostname or ''}; name an HTTP proxy, such as "
            f"http://proxy.site.edu:3128, or add {host} to no_proxy"
        )
    named = ":".join(unquote(part) for part in (parts.username, parts.password) if part is not None)
    return Proxy(parts.hostname, parts.port or 80, named or None)


async def tunnel(proxy: Proxy, host: str, authority: str) -> asyncio.Transport:
    """Have a proxy open a tunnel, and return it.

    Parameters
    ----------
    proxy
        Who is asked.
    host
        Where the tunnel is to lead, for the error.
    authority
        The same with its port, as the proxy takes it.

    Raises
    ------
    ProxyError
        Where the proxy cannot be reached, or does not open it.
    """
    named = f"the proxy {proxy.host}:{proxy.port} (https_proxy)"
    try:
        asked = await connect(lambda: _Asked(proxy.asks(authority)), proxy.host, proxy.port)
    except OSError as error:
        raise ProxyError(f"{named} cannot be reached: {error.strerror or error}") from None
    transport = asked.transport
    try:
        status, words = _status(await asked.answer)
    except BaseException:
        transport.abort()
        raise
    if status != 200:
        transport.abort()
        said = f"{status} {words}".strip() if status else "it does not speak HTTP"
        raise ProxyError(f"{named} opens no way to {host} ({said}); where it needs none, add it to no_proxy")
    return transport


class _Asked(asyncio.Protocol):
    """Waits for a proxy's answer."""

    def __init__(self, request: bytes) -> None:
        self._request, self._said = request, b""
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Take the answer's head, which is all of it: the other end speaks when it is spoken to."""
        self._said += data
        is_whole = b"\r\n\r\n" in self._said or len(self._said) > LONGEST_ANSWER
        if is_whole and not self.answer.done():
            self.answer.set_result(self._said)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up."""
        if not self.answer.done():
            self.answer.set_result(self._said)


def _status(answer: bytes) -> tuple[int, str]:
    """Return the status of an answer and the words beside it; 0 where it is none."""
    version, _, rest = answer.partition(b"\r\n")[0].decode("latin-1").partition(" ")
    status, _, words = rest.partition(" ")
    return (
        (int(status), words)
        if version.startswith("HTTP/") and status.isascii() and status.isdigit()
        else (0, "")
    )
