"""A firewall: a network namespace that nothing gets into or out of but what is let through."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import secrets
import socket
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

__all__ = ["Wall"]

NEW_NET = 0x40000000  # CLONE_NEWNET


class Wall:
    """A namespace with a loopback interface and no other: who is in it reaches nobody, and nobody them.

    Attributes
    ----------
    inside
        What a command is put behind so that it runs there.
    address
        Where those outside find what they are let in to.
    rules
        What is let through, in words.
    """

    def __init__(self) -> None:
        self.name = f"first-{os.getpid()}-{secrets.token_hex(3)}"
        self.inside = ("ip", "netns", "exec", self.name)
        # On an address of its own: a port that is free inside may be taken on 127.0.0.1.
        self.address = f"127.{secrets.randbelow(100) + 100}.{secrets.randbelow(255)}.1"
        self.rules: list[str] = []
        self._loop = asyncio.new_event_loop()

    def __enter__(self) -> Self:
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        subprocess.run([*self.inside, "ip", "link", "set", "lo", "up"], check=True)
        # A thread that has entered a namespace makes its sockets there, wherever they are used.
        self._there = ThreadPoolExecutor(1, initializer=_enter, initargs=(self.name,))
        self._here = ThreadPoolExecutor(1)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._there.shutdown()
        self._here.shutdown()
        subprocess.run(["ip", "netns", "del", self.name], check=True)

    def lets_out(self, port: int, what: str) -> None:
        """Let those inside reach a port of the world outside, under the same number."""
        self._let(self._there, "127.0.0.1", self._here, port)
        self.rules.append(f"from inside to {what}")

    def lets_in(self, port: int, what: str) -> None:
        """Let those outside reach a port inside, under the same number."""
        self._let(self._here, self.address, self._there, port)
        self.rules.append(f"from outside to {what}")

    def _let(self, ear: ThreadPoolExecutor, at: str, mouth: ThreadPoolExecutor, port: int) -> None:
        listener = ear.submit(socket.create_server, (at, port)).result()
        started = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(lambda *ends: self._carry(*ends, mouth, port), sock=listener), self._loop
        )
        started.result(10)

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        mouth: ThreadPoolExecutor,
        to: int,
    ) -> None:
        try:
            call = self._loop.run_in_executor(mouth, socket.create_connection, ("127.0.0.1", to))
            there, back = await asyncio.open_connection(sock=await call)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(_pump(reader, back), _pump(there, writer))


def _enter(name: str) -> None:
    with Path(f"/run/netns/{name}").open() as namespace:
        if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), NEW_NET):
            raise OSError(ctypes.get_errno(), f"namespace {name} cannot be entered")


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
    sink.close()
