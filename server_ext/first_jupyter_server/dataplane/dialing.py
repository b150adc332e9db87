"""How an address is reached: plainly, over TLS, or over TLS through a proxy; what prevents it, in words."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

from .names import connect
from .proxies import ProxyError, proxy_for, tunnel

__all__ = ["CONNECT_TIMEOUT", "authority", "dial", "told"]

CONNECT_TIMEOUT = 5.0
"""Seconds for an address to take a connection, TLS and proxy included."""

_WRONG_NAME = {62, 64}
_WRONG_TIME = {9, 10}
"""OpenSSL's ``X509_V_ERR_*``: not this host or address; not valid yet, or no more."""

P = TypeVar("P", bound=asyncio.BaseProtocol)


def authority(host: str, port: int, *, tls: bool, always_port: bool = False) -> str:
    """Return a host as ``Host`` names it: with its port where that is not the default one."""
    bracketed = f"[{host}]" if ":" in host else host
    is_default = port == (443 if tls else 80) and not always_port
    return bracketed if is_default else f"{bracketed}:{port}"


async def dial(make: Callable[[], P], host: str, port: int, *, tls: bool) -> P:
    """Connect.

    Parameters
    ----------
    make
        Makes the protocol of the connection.
    host, port, tls
        Where to, and whether it speaks TLS there.

    Raises
    ------
    OSError
        Where the address cannot be reached, also after ``CONNECT_TIMEOUT`` seconds; with what to do now.
    """
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            if not tls:
                return await connect(make, host, port)
            return await _dial_tls(make, host, port)
    except OSError as error:
        raise OSError(told(error, authority(host, port, tls=tls))) from error


async def _dial_tls(make: Callable[[], P], host: str, port: int) -> P:
    loop = asyncio.get_running_loop()
    context = await asyncio.to_thread(_context)
    proxy = proxy_for(host, port)
    if proxy is None:
        return await connect(make, host, port, context)
    way = await tunnel(proxy, host, authority(host, port, tls=True, always_port=True))
    protocol = make()
    transport = await loop.start_tls(way, protocol, context, server_hostname=host)
    assert transport is not None  # noqa: S101  # it is None for a transport that is closing, which raises
    protocol.connection_made(transport)
    return protocol


@cache
def _context() -> ssl.SSLContext:
    """Return what every TLS connection goes by; OpenSSL reads the system's CAs, or ``SSL_CERT_FILE``."""
    return ssl.create_default_context()


def told(error: OSError, at: str) -> str:
    """Say what keeps an address from being reached, and what to do now.

    Parameters
    ----------
    error
        What was raised.
    at
        The address.
    """
    match error:
        case ProxyError():
            said = str(error)
        case ssl.SSLCertVerificationError():
            said = _certificate(error, at)
        case ssl.SSLError():
            said = (
                f"{at} does not speak TLS as it should ({error.reason or error}): is it an http:// address?"
            )
        case TimeoutError():
            said = f"{at} does not answer within {CONNECT_TIMEOUT:g} s"
        case socket.gaierror():
            said = f"there is no host {at} ({error.strerror}): check the name, and this machine's network"
        case ConnectionRefusedError():
            said = f"{at} takes no connections: nothing serves there now"
        case _:
            said = f"{at} cannot be reached: {error.strerror or error}"
    return said


def _certificate(error: ssl.SSLCertVerificationError, at: str) -> str:
    said = error.verify_message.rstrip(".")
    if error.verify_code in _WRONG_NAME:
        return f"the certificate of {at} is not for this name ({said}): correct the address"
    if error.verify_code in _WRONG_TIME:
        return f"the certificate of {at} is not valid now ({said}): whoever runs it has to renew it"
    named = os.environ.get("SSL_CERT_FILE")
    missing = f"; now it names {named}, which is missing" if named and not Path(named).is_file() else ""
    return (
        f"the certificate of {at} is not trusted here ({said}): name the file with its CA in SSL_CERT_FILE "
        f"and restart Jupyter{missing}"
    )
