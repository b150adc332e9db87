"""Keeps one child process running: a new one as soon as the old one ends, however it ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import orjson

from .heartbeat import Heartbeat
from .log_pipe import record_of

__all__ = ["Child", "spawn"]

LONGEST_LINE = 64 * 2**20
"""Bytes of the longest message on the pipe."""

STEADY = 5.0
"""Seconds after which a child counts as well, so that the next one is started at once."""

LONGEST_PAUSE = 5.0
"""Seconds between two starts of a child that keeps dying at once."""

Message = dict[str, Any]


async def spawn(module: str, *descriptors: int) -> Process:
    """Start a module of ours as a process, with these descriptors as its arguments.

    Raises
    ------
    OSError
        Where there is no room for one more process.
    """
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", module, *map(str, descriptors)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
        pass_fds=descriptors,
        # A Ctrl-C in the terminal is for Jupyter, which ends the child in its own time.
        start_new_session=True,
    )


class Child:
    """A process that is started again whenever it ends, or hangs.

    Parameters
    ----------
    what
        What it is, as the log begins a sentence with it.
    start
        Starts one.
    greeting
        Returns the messages that each new one begins with.
    receive
        Takes its messages, ``{"type": "ready"}`` when one serves among them, and ``{"type": "ended"}`` when
        one has ended.
    log
        Where its death is told.
    """

    def __init__(
        self,
        what: str,
        start: Callable[[], Awaitable[Process]],
        greeting: Callable[[], Iterable[Message]],
        receive: Callable[[Message], None],
        log: logging.Logger,
    ) -> None:
        self._what, self._start, self._greeting = what, start, greeting
        self._receive, self._log = receive, log
        self._process: Process | None = None
        self._minder: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """The process id, where there is a child now."""
        return self._process.pid if self._process is not None else None

    @property
    def runs(self) -> bool:
        """Whether somebody looks after it."""
        return self._minder is not None

    def begin(self) -> None:
        """Start it, and look after it from now on."""
        if self._minder is None:
            self._minder = asyncio.create_task(self._mind())

    async def ready(self) -> None:
        """Return once one has served."""
        await self._ready.wait()

    def send(self, message: Message) -> None:
        """Send a message to the child, if there is one now."""
        process = self._process
        if process is not None and process.stdin is not None and not process.stdin.is_closing():
            process.stdin.write(orjson.dumps(message) + b"\n")

    async def stop(self) -> None:
        """End it, and start no other."""
        if self._minder is not None:
            self._minder.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._minder
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()  # it keeps nothing, and one that hangs would not hear a gentler word
            await process.wait()

    async def _mind(self) -> None:
        pause = 0.0
        while True:
            started = time.monotonic()
            try:
                code = await self._run()
            except OSError as error:
                code = None
                self._log.error(
                    "%s could not be started: %s. Trying again in %.1f s.", self._what, error, pause
                )
            self._process = None
            self._take({"type": "ended"})
            self.restarts += 1
            pause = 0.0 if time.monotonic() - started > STEADY else min(LONGEST_PAUSE, pause * 2 or 0.1)
            self._log.warning("%s ended (exit code %s); starting it again.", self._what, code)
            await asyncio.sleep(pause)

    async def _run(self) -> int:
        process = self._process = await self._start()
        for message in self._greeting():
            self.send(message)
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
                    case "log":
                        self._log.handle(record_of(message))
                    case _:
                        self._take(message)
        finally:
            if watch is not None:
                watch.cancel()
        return await process.wait()

    def _take(self, message: Message) -> None:
        """Pass a message on; one that cannot be dealt with must not cost the next their hearing."""
        try:
            self._receive(message)
        except Exception:  # noqa: BLE001  # whatever it is, it is logged, and the next is heard
            self._log.exception(
                "%s sent a message (%s) that could not be dealt with.", self._what, message.get("type")
            )

    async def _watch(self, process: Process, heart: Heartbeat) -> None:
        """End a child that hangs; its death is seen to like any other."""
        silent = await heart.lost()
        self._log.warning("%s has not answered for %.0f s and is ended.", self._what, silent)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
