"""Keeps the data plane's process running: one socket, one key, a new child as soon as the old one ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

import orjson

from first_jupyter_server.paths.handover import hand_over, pair

from .heartbeat import Heartbeat

__all__ = ["Supervisor"]

LONGEST_LINE = 64 * 2**20
"""Bytes of the longest message on the pipe."""

STEADY = 5.0
"""Seconds after which a child counts as well, so that the next one is started at once."""

LONGEST_PAUSE = 5.0
"""Seconds between two starts of a child that keeps dying at once."""


class Supervisor:
    """Starts the data plane's process and starts it again.

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
        self._log = log
        self._listener: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._doorway: socket.socket | None = None
        self._minder: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._config: dict[str, Any] = {}
        self._catalog: dict[str, Any] = {
            "type": "catalog",
            "catalog": {"models": [], "current": None, "problems": []},
        }
        self._rules: dict[str, Any] = {"type": "rules", "rules": {}}
        self.restarts = 0

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
        return self._process.pid if self._process is not None else None

    def listen(self) -> None:
        """Open the socket, so that the address is known before the child runs."""
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", 0), backlog=4_096)

    async def start(self, *, key: str, max_body: int, relay: str = "") -> None:
        """Start the child, and return when it serves.

        Parameters
        ----------
        key
            The scoped key that every request must carry.
        max_body
            The largest request body, in bytes.
        relay
            The socket that takes requests which Globus Compute is to carry.
        """
        self.listen()
        self._config = {"type": "config", "key": key, "max_body": max_body, "relay": relay}
        self._minder = asyncio.create_task(self._mind())
        await self._ready.wait()

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
        process = self._process
        if process is not None and process.stdin is not None and not process.stdin.is_closing():
            process.stdin.write(orjson.dumps(message) + b"\n")

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
        if self._minder is not None:
            self._minder.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._minder
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()  # it keeps nothing, and one that hangs would not hear a gentler word
            await process.wait()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def _mind(self) -> None:
        pause = 0.0
        while True:
            started = time.monotonic()
            try:
                code = await self._run_child()
            except OSError as error:
                code = None
                self._log.error(
                    "The data plane could not be started: %s. Trying again in %.1f s.", error, pause
                )
            self._process = None
            self._take({"type": "ended"})
            self.restarts += 1
            pause = 0.0 if time.monotonic() - started > STEADY else min(LONGEST_PAUSE, pause * 2 or 0.1)
            self._log.warning(
                "The data plane ended (exit code %s); starting it again on the same port.", code
            )
            await asyncio.sleep(pause)

    async def _run_child(self) -> int:
        assert self._listener is not None  # noqa: S101  # start() opened it
        descriptor = self._listener.fileno()
        doorway, theirs = pair()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "first_jupyter_server.dataplane", str(descriptor), str(theirs.fileno())),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE,
            pass_fds=(descriptor, theirs.fileno()),
            # A Ctrl-C in the terminal is for Jupyter, which ends the child in its own time.
            start_new_session=True,
        )
        theirs.close()
        self._process, self._doorway = process, doorway
        self.send(self._catalog)
        self.send(self._rules)
        self.send(self._config)
        heart = Heartbeat(lambda: self.send({"type": "ping"}))
        watch: asyncio.Task[None] | None = None
        assert process.stdout is not None  # noqa: S101  # a pipe was asked for
        try:
            async for line in process.stdout:
                match (message := orjson.loads(line))["type"]:
                    case "ready":
                        self._ready.set()
                        watch = asyncio.create_task(self._watch(process, heart))
                        self._take(message)
                    case "pong":
                        heart.heard()
                    case _:
                        self._take(message)
        finally:
            self._doorway = None
            doorway.close()
            if watch is not None:
                watch.cancel()
        return await process.wait()

    def _take(self, message: dict[str, Any]) -> None:
        """Pass a message on; one that cannot be dealt with must not cost the next their hearing."""
        try:
            self._receive(message)
        except Exception:  # noqa: BLE001  # whatever it is, it is logged, and the next is heard
            self._log.exception(
                "A message of the data plane (%s) could not be dealt with.", message.get("type")
            )

    async def _watch(self, process: asyncio.subprocess.Process, heart: Heartbeat) -> None:
        """End a child that hangs; its death is seen to like any other."""
        silent = await heart.lost()
        self._log.warning("The data plane has not answered for %.0f s and is ended.", silent)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
