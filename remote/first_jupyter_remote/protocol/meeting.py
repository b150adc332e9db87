"""How the two ends of a tunnel meet at a relay: the room, the ticket to it, and what is asked for."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlsplit

__all__ = ["HELD", "JOIN", "OPEN", "SWITCHING", "TICKET", "UPGRADE", "digest", "knock", "room", "ticket"]

UPGRADE = "first-relay.v1"
OPEN, JOIN = "open", "join"
TICKET = "First-Ticket"
"""The field in which who opens a room says the digest of its ticket."""

HELD = 30.0
"""Seconds that a relay has one side wait for the other, which then asks again."""

SWITCHING = f"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {UPGRADE}\r\n\r\n".encode()
"""What a relay answers to the side that opened a room, and this side, through the room, to the other.

So the side that opened it is ready for whatever comes next, which no bytes can overtake.
"""


def room(key: str) -> str:
    """Return the name of a replica's room, derived from the replica's own key."""
    return _derived(key, b"first-jupyter relay room")


def ticket(key: str) -> str:
    """Return what its node agent shows to be let into the room."""
    return _derived(key, b"first-jupyter relay ticket")


def digest(shown: str) -> str:
    """Return what a relay is told of a ticket, and compares with the one that is shown."""
    return hashlib.sha256(shown.encode()).hexdigest()


def knock(relay: str, action: str, name: str, bearer: str, *fields: str) -> bytes:
    """Return the request to a relay.

    Parameters
    ----------
    relay
        Its URL.
    action
        ``OPEN`` or ``JOIN``.
    name
        The room.
    bearer
        The access key, or the ticket.
    fields
        Further header fields.
    """
    parts = urlsplit(relay)
    lines = [
        f"GET {parts.path.rstrip('/')}/{action}/{name} HTTP/1.1",
        f"Host: {parts.netloc.rpartition('@')[2]}",
        "Connection: Upgrade",
        f"Upgrade: {UPGRADE}",
        f"Authorization: Bearer {bearer}",
        *fields,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _derived(key: str, use: bytes) -> str:
    return hmac.new(key.encode(), use, hashlib.sha256).hexdigest()
