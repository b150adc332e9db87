"""The data plane's own process: serves on an inherited socket, talks to the extension over its pipes."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import sys
from typing import Any

from first_jupyter_server.paths.handover import receive
from first_jupyter_server.processes.descriptors import allow_many
from first_jupyter_server.processes.log_pipe import forward
from first_jupyter_server.processes.pipe import ParentPipe, sender

from .plane import DataPlane

BACKLOG = 4_096


async def serve(listener: socket.socket, doorway: socket.socket) -> None:
    """Serve until the extension's end of the pipe closes.

    Parameters
    ----------
    listener
        Where clients connect.
    doorway
        Where the extension hands over the connections of tunnels.
    """
    loop = asyncio.get_running_loop()
    closed = asyncio.Event()
    send = await sender()
    forward(send)
    plane = DataPlane(send)
    await loop.connect_read_pipe(lambda: ParentPipe(plane.receive, closed), sys.stdin)
    await plane.configured.wait()
    arrivals: set[asyncio.Task[None]] = set()

    def take(connection: socket.socket, message: dict[str, Any]) -> None:
        arrival = loop.create_task(
            plane.tunnels.take(connection, message["replica"], message["answer"].encode())
        )
        arrivals.add(arrival)
        arrival.add_done_callback(arrivals.discard)

    receive(doorway, take)
    server = await loop.create_server(plane.connection, sock=listener, backlog=BACKLOG)
    # What is here now stays: whoever collects garbage while tokens pass need not look at it.
    gc.collect()
    gc.freeze()
    send({"type": "ready"})
    await closed.wait()
    server.close()


def main() -> None:
    """Run on the sockets whose descriptors are the arguments: the listener, and the way of tunnels."""
    allow_many()
    run = asyncio.run
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: PLC0415

        run = uvloop.run
    with contextlib.suppress(KeyboardInterrupt):
        run(serve(*(socket.socket(fileno=int(descriptor)) for descriptor in sys.argv[1:3])))


if __name__ == "__main__":
    main()
