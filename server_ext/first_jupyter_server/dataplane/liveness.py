"""Tells a replica that has stopped from one that is slow: who is silent is asked for a sign of life."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from .headers import Headers
from .pool import Pool
from .upstream import UpstreamConnection, request_bytes

if TYPE_CHECKING:
    from first_jupyter_server.federation.catalog import Replica

    from .attempt import Attempt

__all__ = ["Liveness"]

LOOK_EVERY = 1.0
"""Seconds between two looks at who is silent; there are none while nothing runs."""

SILENT = 5.0
"""Seconds without a byte from a replica, on all its connections, after which it is asked."""

WITHIN = 3.0
"""Seconds within which it has to answer, whatever it says, on a connection of its own."""

ASKED = 2
"""Times that it is asked until it counts as stopped."""

LIVES_ON = 15.0
"""Seconds for which an answer holds: long ones that come as a whole are silent, too."""


class Liveness:
    """Watches the attempts that are under way.

    Parameters
    ----------
    pool
        Returns the connections to a replica.
    stopped
        Called with an attempt whose replica has stopped.
    """

    def __init__(self, pool: Callable[[Replica], Pool], stopped: Callable[[Attempt], None]) -> None:
        self._pool = pool
        self._stopped = stopped
        self._attempts: dict[Replica, set[Attempt]] = {}
        self._lived: dict[Replica, float] = {}
        self._asking: dict[Replica, asyncio.Task[None]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, attempt: Attempt) -> None:
        """Watch an attempt, unless its answer is relayed.

        There each sign of life would be a request to Globus Compute, late by a second or two. The task that
        carries the answer notices by itself when its node is lost, and tells of each half minute of silence.
        """
        if attempt.route.replica.path == "relay":
            return
        self._attempts.setdefault(attempt.route.replica, set()).add(attempt)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_EVERY, self._look)

    def end(self, attempt: Attempt) -> None:
        """Watch it no more."""
        replica = attempt.route.replica
        attempts = self._attempts.get(replica, set())
        attempts.discard(attempt)
        if not attempts:
            self._attempts.pop(replica, None)
            self._lived.pop(replica, None)
            if (asking := self._asking.pop(replica, None)) is not None:
                asking.cancel()

    def _look(self) -> None:
        self._timer = None
        if not self._attempts:
            return
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(LOOK_EVERY, self._look)
        now = time.monotonic()
        for replica, attempts in self._attempts.items():
            if replica in self._asking or now - self._lived.get(replica, -LIVES_ON) < LIVES_ON:
                continue
            if _are_silent(attempts, now):
                self._asking[replica] = loop.create_task(self._ask(replica))

    async def _ask(self, replica: Replica) -> None:
        lives = False
        for _ in range(ASKED):
            if lives := await _answers(self._pool(replica), replica):
                break
        self._asking.pop(replica, None)
        self._lived[replica] = time.monotonic()
        if not lives:
            for attempt in list(self._attempts.get(replica, ())):
                self._stopped(attempt)


def _are_silent(attempts: Iterable[Attempt], now: float) -> bool:
    """Whether somebody has waited for long, and nobody has heard anything meanwhile.

    Who has just come and waits for the first byte is no sign of life: while requests come, somebody has.
    """
    somebody_waits = False
    for attempt in attempts:
        if attempt.listens and attempt.silence(now) > SILENT:
            somebody_waits = True
        elif attempt.listens and attempt.is_known:
            return False
    return somebody_waits


async def _answers(pool: Pool, replica: Replica) -> bool:
    """Whether a replica says anything at all."""
    headers = [] if replica.key is None else [(b"authorization", b"Bearer " + replica.key.encode())]
    question = request_bytes("GET", f"{replica.base}/models", pool.authority, headers, b"")
    connection: UpstreamConnection | None = None
    try:
        async with asyncio.timeout(WITHIN):
            connection = await pool.dial()
            answer = _Answer()
            connection.send(question, answer)
            return await answer.came
    except (OSError, TimeoutError):
        return False
    finally:
        if connection is not None:
            connection.abort()


class _Answer:
    """Waits for the head of an answer."""

    def __init__(self) -> None:
        self.came: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def on_head(self, status: int, headers: Headers) -> None:
        self._settle(lives=True)

    def on_data(self, data: bytes) -> None:
        """Leave it: that there is an answer is all that matters."""

    def on_end(self) -> None:
        self._settle(lives=True)

    def on_lost(self, reused: bool) -> None:
        self._settle(lives=False)

    def _settle(self, *, lives: bool) -> None:
        if not self.came.done():
            self.came.set_result(lives)
