"""Hands connections from Jupyter's process to the data plane's, so that no byte of them passes Jupyter."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import orjson

__all__ = ["hand_over", "pair", "receive"]

LONGEST = 65_536


def pair() -> tuple[socket.socket, socket.socket]:
    """Return the two ends of the way that connections take."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.setblocking(False)
    theirs.setblocking(False)
    return ours, theirs


def hand_over(way: socket.socket, connection: socket.socket, message: dict[str, Any]) -> None:
    """Give a connection away; ours is to be closed afterwards.

    Raises
    ------
    OSError
        Where it is not taken now: the other process is gone, or has too many to take.
    """
    socket.send_fds(way, [orjson.dumps(message)], [connection.fileno()])


def receive(way: socket.socket, take: Callable[[socket.socket, dict[str, Any]], None]) -> None:
    """Have each connection that is handed over taken, from now on."""

    def look() -> None:
        try:
            data, descriptors, _, _ = socket.recv_fds(way, LONGEST, 1)
        except BlockingIOError:
            return
        for descriptor in descriptors:
            take(socket.socket(fileno=descriptor), orjson.loads(data))

    asyncio.get_running_loop().add_reader(way, look)
