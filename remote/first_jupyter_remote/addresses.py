"""The addresses under which other machines may reach this one, the most promising first."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys

__all__ = ["EVERYWHERE", "LOOPBACK", "addresses"]

LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # noqa: S104  (the replica's key guards it)
FAST = ("hsn", "ib", "bond")
INSIDE = ("lo", "docker", "virbr", "veth", "cni", "podman")
SIOCGIFADDR = 0x8915


def addresses(bind: str) -> tuple[str, ...]:
    """Return what to try for a server that listens on ``bind``.

    For all interfaces these are the machine's names, then its interfaces: high-speed networks first.
    """
    if bind != EVERYWHERE:
        return (bind,)
    return ordered([socket.getfqdn(), socket.gethostname()], interfaces())


def ordered(names: list[str], places: dict[str, str]) -> tuple[str, ...]:
    """Return names and the addresses of interfaces in the order in which they are worth a try."""
    by_speed = sorted(places.items(), key=lambda place: (not place[0].startswith(FAST), place[0]))
    found = [*names, *(address for name, address in by_speed if not name.startswith(INSIDE))]
    return tuple(dict.fromkeys(each for each in found if each and not each.startswith("localhost")))


def interfaces() -> dict[str, str]:
    """Return the IPv4 addresses of this machine's interfaces by their names, where Linux tells."""
    if not sys.platform.startswith("linux"):
        return {}
    import fcntl  # noqa: PLC0415  (it is not everywhere)

    found = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _, name in socket.if_nameindex():
            with contextlib.suppress(OSError):
                answer = fcntl.ioctl(sock.fileno(), SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
                found[name] = socket.inet_ntoa(answer[20:24])
    return found
