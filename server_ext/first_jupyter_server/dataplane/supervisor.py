"""The data plane's process: one socket, one key, a new child as soon as the old one ends."""

from __future__ import annotations

import contextlib
import logging
import socket
from asyncio.subprocess import Process
from collections.abc import Callable
from typing import Any

import orjson

from first_jupyter_server.paths.handover import hand_over, pair
from first_jupyter_server.processes.child import Child, spawn

__all__ = ["Supervisor"]


class Supervisor:
    """Has the data plane's process started, and started again.

    Parameters
    ----------
    receive
        Takes the child's messages, ``{"type": "ready"}`` when one serves among them, and
        ``{"type": "ended"}`` when one has ended.
    log
        Where a child's death is told.

    Notes
    -----
    The listening socket is opened here and inherited by each child in turn. While there is no child, new
    connections wait in the socket's
    queue; nobody is refused.
    """

    def __init__(self, receive: Callable[[dict[str, Any]], None], log: logging.Logger) -> None:
        self._receive = receive
        self._listener: socket.socket | None = None
        self._doorway: socket.socket | None = None
        self._config: dict[str, Any] = {}
        self._catalog: dict[str, Any] = {
            "type": "catalog",
            "catalog": {"models": [], "current": None, "problems": []},
        }
        self._rules: dict[str, Any] = {"type": "rules", "rules": {}}
        self._child = Child(
            "The data plane",
            self._start,
            lambda: (self._catalog, self._rules, self._config),
            self._take,
            log,
        )

    @property
    def port(self) -> int:
        """The port on 127.0.0.1, the same for as long as the Jupyter server lives."""
        if self._listener is None:
            raise RuntimeError("the data plane has not been started")
        return int(self._listener.getsockname()[1])

    @property
    def base_url(self) -> str:
        """The address of the OpenAI surface, for a client's ``base_url``."""
        return f"http://127.0.0.1:{self.port}/first/v1"

    @property
    def pid(self) -> int | None:
        """The child's process id, where there is a child now."""
        return self._child.pid

    @property
    def restarts(self) -> int:
        """How often another one took a child's place."""
        return self._child.restarts

    def listen(self) -> None:
        """Open the socket, so that the address is known before the child runs."""
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", 0), backlog=4_096)

    async def start(
        self, *, key: str, max_body: int, relay: str = "", batches: str = "", batch_key: str = ""
    ) -> None:
        """Start the child, and return when it serves.

        Parameters
        ----------
        key
            The scoped key that every request must carry.
        max_body
            The largest request body, in bytes.
        relay
            The socket that takes requests which Globus Compute is to carry.
        batches
            The socket of the process that has files and batches.
        batch_key
            By which that process's own requests are known.
        """
        self.listen()
        self._config = {
            "type": "config",
            "key": key,
            "max_body": max_body,
            "relay": relay,
            "batches": batches,
            "batch_key": batch_key,
        }
        self._child.begin()
        await self._child.ready()

    def push_catalog(self, catalog: dict[str, Any]) -> None:
        """Give the child a new catalog; a child that starts later begins with it."""
        self._catalog = {"type": "catalog", "catalog": catalog}
        self.send(self._catalog)

    def push_rules(self, rules: dict[str, Any]) -> None:
        """Give the child the notebooks' rules, by label; a child that starts later begins with them."""
        self._rules = {"type": "rules", "rules": rules}
        self.send(self._rules)

    def send(self, message: dict[str, Any]) -> None:
        """Send a message to the child, if there is one now."""
        self._child.send(message)

    def reply(self, request: int, status: int, body: dict[str, Any]) -> None:
        """Give the child the answer to a control request."""
        self.send({"type": "reply", "id": request, "status": status, "body": orjson.dumps(body).decode()})

    def hand_over(self, connection: socket.socket, message: dict[str, Any]) -> None:
        """Give the child a connection; ours is to be closed afterwards.

        Raises
        ------
        OSError
            Where there is no child now that takes it.
        """
        if self._doorway is None:
            raise OSError("the data plane is being started")
        hand_over(self._doorway, connection, message)

    async def stop(self) -> None:
        """End the child and close the socket."""
        await self._child.stop()
        self._close_doorway()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def _start(self) -> Process:
        assert self._listener is not None  # noqa: S101  # start() opened it
        doorway, theirs = pair()
        with contextlib.closing(theirs):
            process = await spawn("first_jupyter_server.dataplane", self._listener.fileno(), theirs.fileno())
        self._doorway = doorway
        return process

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "ended":
            self._close_doorway()
        self._receive(message)

    def _close_doorway(self) -> None:
        doorway, self._doorway = self._doorway, None
        if doorway is not None:
            doorway.close()
