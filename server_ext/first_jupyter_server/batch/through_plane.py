"""Answers rows through the data plane, as many at once as keep the replicas just busy."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections import deque
from dataclasses import dataclass

from first_jupyter_server.dataplane.pool import Pool
from first_jupyter_server.dataplane.upstream import UpstreamConnection, request_bytes

from .answered import Fault, failed, read
from .executor import Give, Take
from .lines import Row
from .rows import Result
from .width import Width

__all__ = ["ThroughPlane", "Way"]

TRIES = 3
"""Tries of a row until it is set aside, of those that may have failed by its own fault."""

PAUSES = (1.0, 5.0, 15.0, 30.0, 60.0)
"""Seconds until the next try of a row, and of the one after that; the last one from then on."""


@dataclass(frozen=True)
class Way:
    """How the data plane is asked.

    Parameters
    ----------
    pool
        Connections to it.
    headers
        What each request carries: the keys, and where it may be served.
    """

    pool: Pool
    headers: tuple[tuple[bytes, bytes], ...]


class ThroughPlane:
    """The data plane's way of answering one batch.

    Parameters
    ----------
    batch
        The batch's id.
    endpoint
        Where its rows go: ``/v1/chat/completions``.
    way
        How the data plane is asked.
    """

    def __init__(self, batch: str, endpoint: str, way: Way) -> None:
        self._batch, self._endpoint, self._way = batch, endpoint, way
        self._width = Width()
        self._again: list[tuple[float, int, _Tried]] = []
        self._suspects: deque[_Tried] = deque()
        self._suspect: _Tried | None = None
        self._count = itertools.count()
        self._succeeded = 0
        self._changed = asyncio.Event()
        self._over = False
        self.running = 0
        self.reason: str | None = None

    async def run(self, take: Take, give: Give) -> None:
        """Answer rows until there are no more."""
        self._over = False
        async with asyncio.TaskGroup() as workers:
            while True:
                while self.running < self._width.now and (tried := await self._next(take)) is not None:
                    self.running += 1
                    task = workers.create_task(self._answer(tried, give))
                    task.add_done_callback(self._left)
                if self._over and not (self.running or self._again or self._suspects):
                    return
                self._changed.clear()
                await self._sleep()

    async def _next(self, take: Take) -> _Tried | None:
        """Return what is to be tried next: a row whose pause is over, or a new one."""
        if self._suspects and self._suspect is None:
            self._suspect = self._suspects.popleft()
            return self._suspect
        if self._again and self._again[0][0] <= time.monotonic():
            return heapq.heappop(self._again)[2]
        if self._over or len(self._again) + len(self._suspects) >= self._width.now:
            return None  # where all rows fail, others would too
        row = await take()
        self._over = row is None
        return None if row is None else _Tried(row)

    async def _sleep(self) -> None:
        """Wait until an answer has come, or a pause is over."""
        pause = self._again[0][0] - time.monotonic() if self._again else None
        try:
            async with asyncio.timeout(pause):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _answer(self, tried: _Tried, give: Give) -> None:
        try:
            answer = await self._ask(tried.row)
            result = self._fault(tried, answer) if isinstance(answer, Fault) else answer
            if result is not None and result.ok:
                self._succeeded += 1
                self.reason = None
            if result is not None:
                await give(result)
        finally:
            if self._suspect is tried:
                self._suspect = None

    def _left(self, _: asyncio.Task[None]) -> None:
        self.running -= 1
        self._changed.set()

    def _fault(self, tried: _Tried, fault: Fault) -> Result | None:
        """Have a row tried again, or set it aside where it has been tried often enough.

        What says nothing of the row counts only if others were answered meanwhile.
        """
        if fault.own or tried.failed_at != self._succeeded:
            tried.tries += fault.own or tried.failed_at >= 0
            tried.failed_at = self._succeeded
        if tried.tries >= TRIES:
            return failed(tried.row, self._batch, fault)
        if not fault.own:
            self.reason = fault.reason
        if fault.breaks:
            self._suspects.append(tried)
            return None
        pause = PAUSES[min(tried.pauses, len(PAUSES) - 1)]
        tried.pauses += 1
        heapq.heappush(self._again, (time.monotonic() + pause, next(self._count), tried))
        return None

    async def _ask(self, row: Row) -> Result | Fault:
        target = f"/first{self._endpoint}"
        headers = [
            *self._way.headers,
            (b"content-type", b"application/json"),
            (b"x-request-id", f"{self._batch}-{row.number}".encode()),
        ]
        pool = self._way.pool
        message = request_bytes("POST", target, pool.authority, headers, row.body)
        while True:
            answer = _Answer()
            try:
                connection = pool.take() or await pool.dial()
                answer.connection = connection
                connection.send(message, answer)
                await answer.whole
            except OSError as error:
                if answer.was_idle:
                    continue  # a connection that was closed while nobody used it
                return Fault(f"The data plane is being started again ({error}).", False)
            finally:
                answer.hang_up()
            self._width.heard(answer.head.get(b"x-first-line"))
            return read(row, self._batch, answer.status, answer.head, b"".join(answer.body))


@dataclass
class _Tried:
    """A row, how often it has failed, and how many had been answered by then."""

    row: Row
    tries: int = 0
    pauses: int = 0
    failed_at: int = -1


class _Answer:
    """Takes one answer."""

    def __init__(self) -> None:
        self.status = 0
        self.head: dict[bytes, bytes] = {}
        self.body: list[bytes] = []
        self.whole: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.connection: UpstreamConnection | None = None
        self.was_idle = False

    def on_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.status, self.head = status, dict(headers)

    def on_data(self, data: bytes) -> None:
        self.body.append(data)

    def on_end(self) -> None:
        self.connection = None
        if not self.whole.done():
            self.whole.set_result(None)

    def on_lost(self, reused: bool) -> None:
        self.connection = None
        self.was_idle = reused and not self.status
        if not self.whole.done():
            self.whole.set_exception(ConnectionError("it closed the connection"))

    def hang_up(self) -> None:
        """Leave an answer that nobody waits for any more."""
        if self.connection is not None:
            self.connection.abort()
