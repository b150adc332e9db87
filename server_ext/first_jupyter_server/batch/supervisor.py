"""The process that has files and batches: its socket, and when it is started."""

from __future__ import annotations

import asyncio
import logging
import secrets
import shutil
import socket
import tempfile
import weakref
from asyncio.subprocess import Process
from collections.abc import Callable
from pathlib import Path
from typing import Any

from first_jupyter_server.processes.child import Child, spawn

from .limits import MAX_UPLOADS

__all__ = ["BatchSupervisor"]


class BatchSupervisor:
    """Has that process started once somebody asks it something, or batches were left unfinished.

    Parameters
    ----------
    folder
        Where files and batches are kept.
    receive
        Takes its messages.
    log
        Where its death is told.

    Notes
    -----
    The socket is opened here and inherited by each process in turn, as that of the data plane is. Its folder
    is for this user alone.
    """

    def __init__(self, folder: Path, receive: Callable[[dict[str, Any]], None], log: logging.Logger) -> None:
        self._folder = folder
        self._sockets = Path(tempfile.gettempdir()) / f"first-{secrets.token_hex(8)}"
        # Also where Jupyter ends without a word to its extensions, as by the SIGINT of a JupyterHub.
        self._tidy = weakref.finalize(self, shutil.rmtree, self._sockets, ignore_errors=True)
        self._listener: socket.socket | None = None
        self._config: dict[str, Any] = {}
        self._catalog: dict[str, Any] = {}
        self.key = secrets.token_urlsafe(32)
        self._child = Child("The process of batches", self._start, self._greeting, receive, log)

    @property
    def path(self) -> str:
        """The socket."""
        return str(self._sockets / "batches")

    def open(self, *, port: int, key: str, relay: str, max_uploads: int = MAX_UPLOADS) -> None:
        """Open the socket; the process itself is started when it is needed.

        Parameters
        ----------
        port, key
            The data plane's.
        relay
            The socket of what is carried by Globus Compute.
        max_uploads
            Bytes that all files together may have.

        Raises
        ------
        OSError
            Where there can be no socket.
        """
        self._config = {
            "type": "config",
            "folder": str(self._folder),
            "port": port,
            "key": key,
            "batch_key": self.key,
            "relay": relay,
            "max_uploads": max_uploads,
        }
        self._sockets.mkdir(mode=0o700)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen(128)
        self._listener.setblocking(False)
        if (self._folder / "batches.sqlite3").exists():
            self._child.begin()
        else:
            asyncio.get_running_loop().add_reader(self._listener, self._needed)

    def push_catalog(self, catalog: dict[str, Any]) -> None:
        """Give the process a new catalog; one that starts later begins with it."""
        self._catalog = {"type": "catalog", "catalog": catalog}
        self._child.send(self._catalog)

    async def stop(self) -> None:
        """End the process and close the socket."""
        await self._child.stop()
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
        self._tidy()

    def _needed(self) -> None:
        assert self._listener is not None  # noqa: S101  # it is what was asked
        asyncio.get_running_loop().remove_reader(self._listener)
        self._child.begin()

    async def _start(self) -> Process:
        assert self._listener is not None  # noqa: S101  # open() opened it
        return await spawn("first_jupyter_server.batch", self._listener.fileno())

    def _greeting(self) -> tuple[dict[str, Any], ...]:
        return (self._catalog, self._config) if self._catalog else (self._config,)
