"""How the data plane has a request relayed: it goes to a socket of Jupyter's process, as to an address."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple, TypeVar, cast

__all__ = ["Asked", "dial", "receive"]

LONGEST_HEAD = 65_536

P = TypeVar("P", bound=asyncio.BaseProtocol)


class Asked(NamedTuple):
    """A request: the replica that it is for, its head without the empty line, and its body."""

    replica: str
    head: bytes
    body: bytes


async def dial(path: str, replica: str, make: Callable[[], P]) -> P:
    """Open a connection that takes one request for a replica.

    Raises
    ------
    OSError
        Where nobody listens.
    """
    transport, protocol = await asyncio.get_running_loop().create_unix_connection(make, path)
    cast("asyncio.WriteTransport", transport).write(replica.encode() + b"\n")
    return protocol


async def receive(reader: asyncio.StreamReader) -> Asked:
    """Take what comes over such a connection; a key is left out, since the cluster has its own."""
    replica = (await reader.readline()).decode().strip()
    head = await reader.readuntil(b"\r\n\r\n")
    first, *headers = head.rstrip(b"\r\n").split(b"\r\n")
    kept, length = [first], 0
    for header in headers:
        name, _, value = header.partition(b":")
        match name.strip().lower():
            case b"content-length":
                length = int(value)
            case b"authorization" | b"connection":
                continue
        kept.append(header)
    return Asked(replica, b"\r\n".join([*kept, b""]), await reader.readexactly(length))
