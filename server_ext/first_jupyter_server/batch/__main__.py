"""The process of files and batches: serves on an inherited socket, and talks to the extension."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from pathlib import Path
from typing import Any

from tornado.httpserver import HTTPServer

from first_jupyter_server.federation.catalog import Catalog
from first_jupyter_server.processes.descriptors import allow_many
from first_jupyter_server.processes.log_pipe import forward
from first_jupyter_server.processes.pipe import ParentPipe, sender

from .batches import Batches
from .checkpoints import AGAIN
from .executors import Executors
from .folder import Folder
from .handlers import application, unusable
from .news import News
from .objects import Json

LEAVING = 3.0
"""Seconds for which what is answered is still written down at the end."""


class Service:
    """Everything in this process.

    Parameters
    ----------
    listener
        Where requests for files and batches come in.
    """

    def __init__(self, listener: socket.socket) -> None:
        listener.setblocking(False)  # what is made of it, too, is not to wait
        self._listener = listener
        self._closed = asyncio.Event()
        self._config: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._batches: Batches | None = None
        self._catalog = Catalog()

    async def serve(self) -> None:
        """Serve until the extension's end of the pipe closes."""
        loop = asyncio.get_running_loop()
        send = await sender()
        forward(send)
        self._send = send
        await loop.connect_read_pipe(lambda: ParentPipe(self._receive, self._closed), sys.stdin)
        config = await self._config
        executors = Executors(config, lambda: self._catalog)
        folder = await self._folder(Path(config["folder"]))
        news = News(send)
        batches = self._batches = Batches(folder, executors.of, news.add, news.used)
        batches.take(self._catalog)
        server = HTTPServer(application(batches, config["max_uploads"]))
        server.add_sockets([self._listener])
        running = asyncio.create_task(batches.run())
        running.add_done_callback(_tell_failure)
        send({"type": "ready"})
        await self._closed.wait()
        server.stop()
        running.cancel()
        await asyncio.wait([running], timeout=LEAVING)
        os._exit(0)  # a thread may hang at a disk; there is nothing left that another server would not find

    async def _folder(self, path: Path) -> Folder:
        """Return the folder; until there can be one, whoever asks for something is told why not."""
        server: HTTPServer | None = None
        while True:
            try:
                folder = await asyncio.to_thread(Folder, path)
            except OSError as error:
                if server is None:
                    server = HTTPServer(unusable(error))
                    server.add_sockets([self._listener.dup()])
                await asyncio.sleep(AGAIN)
            else:
                if server is not None:
                    server.stop()
                return folder

    def _receive(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "config":
                if not self._config.done():
                    self._config.set_result(message)
            case "catalog":
                self._catalog = Catalog.from_json(message["catalog"])
                if self._batches is not None:
                    self._batches.take(self._catalog)
            case "ping":
                self._send({"type": "pong"})


def _tell_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        os._exit(1)  # it is started again, and begins where it was


async def _main(listener: socket.socket) -> None:
    await Service(listener).serve()


def main() -> None:
    """Run on the socket whose descriptor is the argument."""
    os.umask(0o077)  # prompts and answers are their owner's alone, also where a folder is opened to others
    allow_many()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(socket.socket(fileno=int(sys.argv[1]))))


if __name__ == "__main__":
    main()
