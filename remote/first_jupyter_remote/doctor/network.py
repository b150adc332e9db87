"""Checks of the network: addresses that compute nodes can reach, the way out to Globus, the clock."""

from __future__ import annotations

import contextlib
import email.utils
import fcntl
import http.client
import ipaddress
import socket
import ssl
import struct
import time
import urllib.parse
from typing import TYPE_CHECKING

from first_jupyter_remote.protocol.finding import fail, ok, warn

if TYPE_CHECKING:
    from first_jupyter_remote.protocol.finding import Finding

    from .subject import Subject

__all__ = ["check_address", "check_amqp", "check_clock", "check_https"]

AMQP = "compute.amqps.globus.org"
WEB = ("compute.api.globus.org", "auth.globus.org")
PORT = 443
TIMEOUT = 4.0
SIOCGIFADDR = 0x8915
NOT_FOR_OTHERS = ("lo", "docker", "veth", "br-", "virbr", "cni", "flannel")
# Globus Compute's agent drops commands that are older than three minutes.
DRIFT_LIMIT, DRIFT_NOTED = 150.0, 20.0


def check_address(subject: Subject) -> Finding:
    """See where compute nodes will knock."""
    addresses = interfaces()
    listed = ", ".join(f"{name} {address}" for name, address in addresses.items())
    useful = [name for name, address in addresses.items() if is_useful(name, address)]
    other = f"Give --address with one of: {', '.join(useful) or 'none is reachable from elsewhere'}."
    if subject.interface:
        if subject.interface not in addresses:
            return fail(f"no interface {subject.interface} here; there are {listed}", other)
        return ok(f"{subject.interface} {addresses[subject.interface]}")
    if subject.host:
        return _host(subject.host, other, alone=subject.scheduler == "local")
    if not useful:
        return warn(f"only {listed}", "Compute nodes reach no address of this machine; jobs on it still do.")
    return ok(f"any of {listed}")


def _host(host: str, other: str, *, alone: bool) -> Finding:
    try:
        address = socket.gethostbyname(host)
    except OSError as error:
        return fail(f"{host} has no address: {error}", other)
    if ipaddress.ip_address(address).is_loopback and not alone:
        return fail(f"{host} is {address}: only this machine reaches it", other)
    return ok(f"{host} {address}")


def interfaces() -> dict[str, str]:
    """Return this machine's interfaces with their IPv4 addresses."""
    found = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        for _, name in socket.if_nameindex():
            with contextlib.suppress(OSError):
                reply = fcntl.ioctl(asker, SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
                found[name] = socket.inet_ntoa(reply[20:24])
    return found


def is_useful(name: str, address: str) -> bool:
    """Say whether another machine could reach it."""
    at = ipaddress.ip_address(address)
    return not (name.startswith(NOT_FOR_OTHERS) or at.is_loopback or at.is_link_local)


def check_amqp(subject: Subject) -> Finding:
    """See whether the agent's own connection gets out; it takes no HTTP proxy."""
    if why := reach(AMQP):
        proxy = (
            " The proxy that is set does not help: AMQP does not go through it." if proxy_of(subject) else ""
        )
        return fail(
            f"{AMQP}:{PORT}: {why}",
            f"Run the endpoint where TCP {PORT} to it is open, or ask the site to open it.{proxy}",
        )
    return ok(f"{AMQP}:{PORT} answers")


def check_https(subject: Subject) -> Finding:
    """See whether Globus' web services can be reached, through a proxy where one is set."""
    proxy = proxy_of(subject)
    for host in WEB:
        if why := reach(host, proxy):
            through = f" through {proxy}" if proxy else ""
            return fail(
                f"{host}:{PORT}{through}: {why}", "Set https_proxy to the site's proxy, or correct it."
            )
    return ok(f"{', '.join(WEB)} answer" + (f" through {proxy}" if proxy else ""))


def proxy_of(subject: Subject) -> str | None:
    """Return the proxy for HTTPS that the endpoint's processes will use."""
    return subject.environment.get("https_proxy") or subject.environment.get("HTTPS_PROXY") or None


def reach(host: str, proxy: str | None = None, port: int = PORT) -> str:
    """Return why a TLS connection fails, or nothing."""
    try:
        with contextlib.closing(_connection(host, proxy, port)) as connection:
            connection.connect()
    except (OSError, http.client.HTTPException, ValueError) as error:
        return str(error) or type(error).__name__
    return ""


def check_clock(subject: Subject) -> Finding:
    """Compare this machine's clock with that of Globus' web service."""
    try:
        with contextlib.closing(_connection(WEB[0], proxy_of(subject), PORT)) as connection:
            connection.request("HEAD", "/v2/version")
            said = connection.getresponse().headers["Date"]
        drift = time.time() - email.utils.parsedate_to_datetime(said).timestamp()
    except (OSError, http.client.HTTPException, ValueError, TypeError):
        return warn("not compared: Globus cannot be reached", "See the checks of the network.")
    return judge_drift(drift)


def judge_drift(drift: float) -> Finding:
    """Say what a clock that is ahead by so many seconds does."""
    found = f"{abs(drift):.0f} s {'ahead of' if drift > 0 else 'behind'} Globus"
    remedy = (
        "Have the clock set by NTP (timedatectl set-ntp true); the agent drops commands that look too old."
    )
    if abs(drift) > DRIFT_LIMIT:
        return fail(found, remedy)
    return warn(found, remedy) if abs(drift) > DRIFT_NOTED else ok(found)


def _connection(host: str, proxy: str | None, port: int) -> http.client.HTTPSConnection:
    context = ssl.create_default_context()
    if not proxy:
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=context)
    at = urllib.parse.urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    connection = http.client.HTTPSConnection(
        at.hostname or "", at.port or 3128, timeout=TIMEOUT, context=context
    )
    connection.set_tunnel(host, port)
    return connection
