"""Answers rows where Globus Compute alone leads to a replica: thousands with each request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import closing
from typing import NamedTuple

import orjson
from first_jupyter_remote.protocol.shards import PATH, Line, request

from first_jupyter_server.dataplane.pool import Pool
from first_jupyter_server.dataplane.upstream import request_bytes
from first_jupyter_server.federation import tuning
from first_jupyter_server.federation.catalog import Replica

from .answered import Fault, read
from .executor import Give, Take
from .lines import Row
from .rows import Result
from .shard_answer import ShardAnswer

__all__ = ["LOOKS_EVERY", "Shards", "Traffic"]

AT_FIRST, MOST = 256, 20_000
"""Rows of the first shard that a replica gets, and of the largest one."""

MOST_BYTES = 6 * 2**20
"""Bytes of its rows: as a task's arguments they are within the 10 MB that Globus Compute takes."""

LASTS = 300.0
"""Seconds that a shard is to take, by how fast its replica answered the one before."""

AHEAD = 1.25
"""Rows that are asked at a time, in multiples of the replica's slots: one that comes free is not to wait."""

LOOKS_EVERY = 1.0
"""Seconds between two looks for replicas."""

ELSEWHERE = Fault("It is to be answered at another cluster.", False)

PAUSES = (5.0, 15.0, 30.0, 60.0)
"""Seconds until a replica that answered none of a shard gets the next; the last one from then on."""


class Traffic(NamedTuple):
    """Where rows come from and go to.

    Parameters
    ----------
    take, give
        As those of an ``Executor``.
    back
        Takes a row that was not answered, and why where the replica said so.
    over
        Set while there are no more.
    """

    take: Take
    give: Give
    back: Callable[[Row, Fault | None], None]
    over: asyncio.Event


class Shards:
    """The replicas that are reached so, of one batch.

    Parameters
    ----------
    batch, endpoint
        The batch's id, and where its rows go.
    way
        Returns the connections that lead to a replica.
    there
        Returns the replicas that can be asked now, with their clusters' names.
    elsewhere
        Tells whether a row may not be answered at a cluster.
    """

    def __init__(
        self,
        batch: str,
        endpoint: str,
        way: Callable[[Replica], Pool],
        there: Callable[[], dict[str, tuple[Replica, str]]],
        elsewhere: Callable[[Row, str], bool],
    ) -> None:
        self._batch, self._endpoint, self._way, self._there = batch, endpoint, way, there
        self._elsewhere = elsewhere
        self.running = 0
        self.reason: str | None = None

    async def run(self, traffic: Traffic) -> None:
        """Answer rows until there are no more."""
        over = traffic.over
        asking: dict[str, asyncio.Task[None]] = {}
        ending = asyncio.create_task(over.wait())
        try:
            while not over.is_set() or asking:
                for replica, cluster in self._there().values():
                    if replica.id not in asking and not over.is_set():
                        one = _OneReplica(self, replica, cluster, traffic)
                        asking[replica.id] = asyncio.create_task(one.run())
                until = [*asking.values(), *([] if ending.done() else [ending])]
                await asyncio.wait(until, timeout=LOOKS_EVERY, return_when=asyncio.FIRST_COMPLETED)
                for name in [name for name, task in asking.items() if task.done()]:
                    asking.pop(name).result()
        finally:
            ending.cancel()
            for task in asking.values():
                task.cancel()
            await asyncio.gather(*asking.values(), return_exceptions=True)

    async def ask(self, replica: Replica, rows: list[Row], model: str) -> ShardAnswer:
        """Send a shard.

        Raises
        ------
        OSError
            Where nobody takes it.
        """
        width = max(1, round((replica.slots or tuning.SLOTS) * AHEAD))
        body = await asyncio.to_thread(
            lambda: request(
                self._endpoint,
                width,
                [(row.number, _named(row.body, model)) for row in rows],
                self._batch,
            )
        )
        pool = self._way(replica)
        connection = await pool.dial()
        answer = ShardAnswer(connection)
        connection.send(request_bytes("POST", PATH, "relay", [], body), answer)
        return answer

    def read(self, row: Row, line: Line, cluster: str) -> Result | Fault:
        """Return what a line says of its row."""
        headers = {b"x-request-id": line.request_id.encode(), b"x-first-cluster": cluster.encode()}
        return read(row, self._batch, line.status, headers, line.body)

    def is_there(self, replica: Replica) -> bool:
        """Whether it can still be asked."""
        return replica.id in self._there()

    def takes(self, row: Row, cluster: str) -> bool:
        """Whether a row may be answered at a cluster."""
        return not self._elsewhere(row, cluster)


class _OneReplica:
    """Gives one replica shard after shard."""

    def __init__(self, shards: Shards, replica: Replica, cluster: str, traffic: Traffic) -> None:
        self._shards, self._replica, self._cluster = shards, replica, cluster
        self._traffic = traffic
        self._size, self._failed = AT_FIRST, 0

    async def run(self) -> None:
        """Do so until there are no more rows, or it is gone."""
        while self._shards.is_there(self._replica) and (rows := await self._rows()):
            self._shards.running += len(rows)
            begun, left = time.monotonic(), {row.number: row for row in rows}
            try:
                trouble = await self._answer(rows, left)
            finally:
                self._shards.running -= len(left)
                for row in left.values():
                    self._traffic.back(row, None)
            if len(left) == len(rows):
                self._shards.reason = trouble or f"{self._cluster} answered nothing"
                await asyncio.sleep(PAUSES[min(self._failed, len(PAUSES) - 1)])
                self._failed += 1
            else:
                self._shards.reason, self._failed = None, 0
                rate = (len(rows) - len(left)) / (time.monotonic() - begun)
                self._size = max(AT_FIRST, min(MOST, round(rate * LASTS)))

    async def _rows(self) -> list[Row]:
        rows: list[Row] = []
        size = 0
        while (
            len(rows) < self._size and size < MOST_BYTES and (row := await self._traffic.take()) is not None
        ):
            if self._shards.takes(row, self._cluster):
                rows.append(row)
                size += len(row.body)
            else:
                self._traffic.back(row, ELSEWHERE)
        return rows

    async def _answer(self, rows: list[Row], left: dict[int, Row]) -> str | None:
        """Have rows answered, and take those out of ``left`` that are; return what kept the rest, if told."""
        try:
            answer = await self._shards.ask(self._replica, rows, self._replica.model or "")
        except OSError as error:
            return str(error)
        with closing(answer):
            async for line in answer:
                if (row := left.pop(line.number, None)) is None:
                    continue
                self._shards.running -= 1
                result = self._shards.read(row, line, self._cluster)
                if isinstance(result, Fault):
                    self._traffic.back(row, result)
                else:
                    await self._traffic.give(result)
        return answer.trouble


def _named(body: bytes, model: str) -> bytes:
    """Return a row's body with the model's name as its server knows it."""
    return orjson.dumps({**orjson.loads(body), "model": model})
