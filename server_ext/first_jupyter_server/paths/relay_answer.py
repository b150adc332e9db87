"""One answer by Globus Compute alone: asked for, fetched part by part, and given up when nobody wants it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import secrets
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple, Protocol

from first_jupyter_remote.protocol.parts import IDLE, Gatherer, PartsError, lasts, pack
from first_jupyter_remote.protocol.shards import PATH

from first_jupyter_server.clusters.globus_executor import CONTROL, RELAY, Config
from first_jupyter_server.clusters.globus_faults import ComputeFault

from .allowance import Allowance
from .relay_socket import Asked

__all__ = ["Allowances", "BrokenOff", "Carrier", "Refusal", "Relayed", "RelayedAnswer"]

AT_FIRST, THEN, LEFT = 14, 8, 2
"""Parts that the first submission fetches, and each further one; how many are left when that is made."""

LARGEST_REQUEST = 9 * 2**20
"""Bytes of the largest request, packed: a submission takes 10 MB."""

SLOWNESS = 60.0
"""Seconds that a part may take beyond its due: a user endpoint that is not up needs some."""


class Carrier(Protocol):
    """What runs functions on a cluster, such as ``GlobusExecutor``."""

    async def submit(self, config: Config, function: str, *args: Any) -> Future[Any]:
        """Submit a function."""

    async def submit_together(
        self, config: Config, calls: Sequence[tuple[str, Sequence[Any]]]
    ) -> list[Future[Any]]:
        """Submit several in one request."""

    async def result(self, config: Config, future: Future[Any]) -> Any:
        """Wait for what a submission returns."""

    async def call(self, config: Config, function: str, *args: Any, patience: float) -> Any:
        """Submit a function and wait for what it returns."""


class Relayed(NamedTuple):
    """Where a replica is asked: its cluster's endpoint and folder of records, and its address there."""

    carrier: Carrier
    home: str
    address: str = ""


class Allowances(NamedTuple):
    """How often may be asked: for new answers, and for more of them or their end."""

    answers: Allowance
    follow_ups: Allowance


class Refusal(Exception):  # noqa: N818  # it is an answer of its own kind
    """A request that gets no answer; what the data plane is told instead."""

    def __init__(self, status: int, message: str, *, code: str, after: float | None = None) -> None:
        super().__init__(message)
        self._status, self._message, self._code, self._after = status, message, code, after

    def response(self) -> bytes:
        """Return it as an inference server would say it."""
        kind = {429: "rate_limit_error", 413: "invalid_request_error"}.get(self._status, "server_error")
        error = {"message": self._message, "type": kind, "param": None, "code": self._code}
        body = json.dumps({"error": error}).encode()
        after = b"" if self._after is None else b"retry-after: %d\r\n" % math.ceil(self._after)
        head = b"HTTP/1.1 %d -\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%bconnection: close"
        return head % (self._status, len(body), after) + b"\r\n\r\n" + body


class BrokenOff(Exception):  # noqa: N818  # it is told as what befell an answer
    """What cost an answer that has begun its end."""


class RelayedAnswer:
    """One answer on its way.

    Parameters
    ----------
    where
        Where the replica is asked.
    asked
        The request.
    allowances
        How often may be asked.
    reader, writer
        The connection to the data plane.
    """

    def __init__(
        self,
        where: Relayed,
        asked: Asked,
        allowances: Allowances,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._carrier, self._home, self._address = where
        self._asked, self._allowances = asked, allowances
        self._reader, self._writer = reader, writer
        self._name = secrets.token_hex(16)
        self._parts: list[Future[Any]] = []
        self._more: asyncio.Task[None] | None = None
        self._gatherer = Gatherer()
        self._kept: list[bytes] = []
        self._begun = False
        self._is_shard = asked.head.startswith(f"POST {PATH} ".encode())

    async def carry(self) -> None:
        """Have the request answered, and pass the answer on as it comes.

        Raises
        ------
        Refusal
            Where nothing of it has come.
        BrokenOff
            Where its end did not.
        """
        try:
            carrying = await self._begin()
            left = asyncio.create_task(self._leaving())
            try:
                await self._pass_on(carrying, left)
            finally:
                left.cancel()
                if self._more is not None:
                    self._more.cancel()
        except ComputeFault as fault:
            if self._begun:
                raise BrokenOff(fault.reason) from None
            status, after = (429, self._allowances.answers.seconds) if fault.busy else (503, None)
            raise Refusal(status, fault.reason, code="relay_failed", after=after) from None
        except PartsError as error:
            if self._begun:
                raise BrokenOff(str(error)) from None
            raise Refusal(503, str(error), code="relay_failed") from None

    async def _begin(self) -> Future[Any]:
        """Submit the request, with tasks that wait for the first parts of the answer."""
        head, body = await asyncio.to_thread(lambda: (pack(self._asked.head), pack(self._asked.body)))
        if len(head) + len(body) > LARGEST_REQUEST:
            message = (
                "This request is too long for Globus Compute, which carries 10 MB at a time and is the only "
                "way to this cluster. Send less, such as fewer or smaller images."
            )
            raise Refusal(413, message, code="request_too_large")
        now = time.monotonic()
        if (wait := self._allowances.answers.book(now)) is None:
            after = self._allowances.answers.wait(now)
            message = (
                "Globus Compute alone leads to this cluster, and takes few requests at a time: this one "
                f"would wait for {after:.0f} s. Try again then."
            )
            raise Refusal(429, message, code="relay_busy", after=after)
        await asyncio.sleep(wait)
        ask = ("relay", (self._home, self._asked.replica, self._address, self._name, [head, body]))
        carrying, *self._parts = await self._carrier.submit_together(RELAY, [ask, *self._fetches(AT_FIRST)])
        return carrying

    def _fetches(self, count: int) -> list[tuple[str, tuple[Any, ...]]]:
        known = len(self._parts)
        return [("relay_part", (self._home, self._name, part)) for part in range(known, known + count)]

    async def _pass_on(self, carried: Future[Any], left: asyncio.Task[None]) -> None:
        carrying = asyncio.ensure_future(self._carrier.result(RELAY, carried))
        carrying.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            while not self._gatherer.is_whole:
                if (said := await self._next(carrying, left)) is None:
                    return
                await self._write(await asyncio.to_thread(self._gatherer.take, said))
                if len(self._parts) - self._gatherer.number <= LEFT and self._more is None:
                    self._more = asyncio.create_task(self._fetch_more())
        finally:
            carrying.cancel()
            task = asyncio.current_task()
            leaves = task is not None and task.cancelling()  # this server, which has no time for it
            if not (self._gatherer.is_over or carried.done() or leaves):
                await self._give_up()

    async def _leaving(self) -> None:
        """Wait until nobody wants the answer any more."""
        with contextlib.suppress(OSError):
            await self._reader.read(1)

    async def _next(self, carrying: asyncio.Future[Any], left: asyncio.Task[None]) -> Any:
        """Wait for the next part; None where nobody wants it any more.

        Raises
        ------
        ComputeFault
            Where it does not come.
        """
        number = self._gatherer.number
        if number >= len(self._parts):
            assert self._more is not None  # noqa: S101  # it was begun when the last ones were left
            await asyncio.wait([self._more, left], return_when=asyncio.FIRST_COMPLETED)
            if left.done():
                return None
            self._more.result()
        coming = asyncio.ensure_future(self._carrier.result(RELAY, self._parts[number]))
        if self._more is not None and self._more.done():
            self._more.result()
            self._more = None
        awaited: set[asyncio.Future[Any]] = {coming, left, *([] if carrying.done() else [carrying])}
        try:
            async with asyncio.timeout(lasts(number, shard=self._is_shard) + IDLE + SLOWNESS):
                while not coming.done():
                    done, awaited = await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
                    if left in done:
                        return None
                    if carrying in done:
                        carrying.result()
            return coming.result()
        except TimeoutError:
            raise ComputeFault("its parts came no more by Globus Compute", passing=True) from None
        finally:
            coming.cancel()

    async def _write(self, data: bytes) -> None:
        """Pass bytes on; of an answer that its connection's end alone ends, nothing before it is whole."""
        self._kept.append(data)
        if not self._begun and not self._gatherer.is_whole:
            head, _, _ = b"".join(self._kept).lower().partition(b"\r\n\r\n")
            if b"\r\ncontent-length:" not in head and b"\r\ntransfer-encoding:" not in head:
                return
        kept, self._kept = self._kept, []
        self._begun = True
        self._writer.writelines(kept)
        with contextlib.suppress(OSError):  # it left, which is noticed where the next part is waited for
            await self._writer.drain()

    async def _fetch_more(self) -> None:
        wait = self._allowances.follow_ups.book(time.monotonic())
        await asyncio.sleep(wait or 0.0)
        self._parts += await self._carrier.submit_together(RELAY, self._fetches(THEN))

    async def _give_up(self) -> None:
        """Have the node's work on the answer end: nobody wants it any more."""
        wait = self._allowances.follow_ups.book(time.monotonic())
        await asyncio.sleep(wait or 0.0)
        with contextlib.suppress(ComputeFault):
            # The other role's threads never wait for parts.
            await self._carrier.submit(CONTROL, "relay_end", self._home, self._name)
