"""Listens where the data plane asks for answers that Globus Compute alone carries."""

from __future__ import annotations

import asyncio
import math
import secrets
import shutil
import tempfile
import weakref
from logging import Logger, getLogger
from pathlib import Path

from . import relay_socket
from .allowance import Allowance
from .relay_answer import Allowances, BrokenOff, Refusal, Relayed, RelayedAnswer

__all__ = ["Relay"]

ANSWERS, FOLLOW_UPS, WINDOW = 6, 4, 10.0
"""Submissions in ``WINDOW`` seconds, of all clusters: half of what Globus Compute takes from one who asks."""

LONGEST_WAIT = 15.0
"""Seconds that an answer waits for its turn."""


class Relay:
    """The replicas that are asked so, and the answers that are under way.

    Parameters
    ----------
    log
        Where it is told what cost an answer its end.
    """

    def __init__(self, log: Logger | None = None) -> None:
        self._log = log or getLogger(__name__)
        self._replicas: dict[str, Relayed] = {}
        self._server: asyncio.Server | None = None
        self._opening = asyncio.Lock()
        self._busy: set[asyncio.Task[None]] = set()
        self._folder = Path(tempfile.gettempdir()) / f"first-{secrets.token_hex(8)}"
        self._tidy = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._allowances = Allowances(
            Allowance(ANSWERS, WINDOW, longest=LONGEST_WAIT),
            Allowance(FOLLOW_UPS, WINDOW, longest=math.inf),
        )

    @property
    def path(self) -> str:
        """The socket, there once a replica is expected; its folder is for this user alone."""
        return str(self._folder / "relay")

    async def expect(self, replica: str, where: Relayed) -> None:
        """Have requests for a replica relayed from now on.

        Raises
        ------
        OSError
            Where there can be no socket.
        """
        async with self._opening:
            if self._server is None:
                self._folder.mkdir(mode=0o700)
                self._server = await asyncio.start_unix_server(
                    self._connected, self.path, limit=relay_socket.LONGEST_HEAD
                )
        self._replicas[replica] = where

    def forget(self, replica: str) -> None:
        """Have them relayed no more."""
        self._replicas.pop(replica, None)

    async def close(self) -> None:
        """Leave what is under way, and listen no more."""
        if self._server is None:
            return
        self._server.close()
        for task in self._busy:
            task.cancel()
        await asyncio.gather(*self._busy, return_exceptions=True)
        self._tidy()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer(await relay_socket.receive(reader), reader, writer)
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
            writer.transport.abort()
        finally:
            writer.close()

    async def _answer(
        self, asked: relay_socket.Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            if (where := self._replicas.get(asked.replica)) is None:
                raise Refusal(503, f"{asked.replica} has ended", code="replica_gone")
            await RelayedAnswer(where, asked, self._allowances, reader, writer).carry()
        except Refusal as refusal:
            self._log.info("A request to %s was not relayed: %s", asked.replica, refusal)
            writer.write(refusal.response())
        except BrokenOff as broken:
            self._log.warning("An answer of %s is incomplete: %s", asked.replica, broken)
            writer.transport.abort()
