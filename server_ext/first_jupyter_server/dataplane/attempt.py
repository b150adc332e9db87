"""One request at one replica: sent over a kept connection or a new one, and what is learnt from it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

from first_jupyter_server.federation.affinity import Trail
from first_jupyter_server.federation.decision import Route

from .pool import Pool
from .upstream import Receiver, UpstreamConnection

if TYPE_CHECKING:
    from .traffic import Traffic

__all__ = ["Asker", "Attempt"]


class Asker(Receiver, Protocol):
    """Who an attempt is made for."""

    def on_refused(self, reason: str) -> None:
        """Take note that the replica took no connection."""

    def on_stopped(self) -> None:
        """Take note that the replica has stopped, with the request in its hands."""


class Attempt:
    """A request on its way, counted from the moment its replica is chosen until it is left.

    Parameters
    ----------
    traffic
        Where what happens is noted.
    model
        The model's id.
    route
        Where the request goes.
    row
        Whether it is a row of a batch.

    Attributes
    ----------
    is_known
        Whether the replica is known to answer, or not to.
    """

    __slots__ = (
        *("_asker", "_crowd", "_dialing", "_is_paused", "_measures", "_room", "_row", "_sent", "_since"),
        *("_traffic", "_upstream", "_who", "is_known", "model", "route"),
    )

    def __init__(self, traffic: Traffic, model: str, route: Route, *, row: bool = False) -> None:
        self.route = route
        self._traffic = traffic
        self.model = model
        self._measures = traffic.measures(model)
        self._who = (route.replica.id, route.place.cluster)
        self._since = traffic.clock()
        self.is_known = False
        self._asker: Asker | None = None
        self._upstream: UpstreamConnection | None = None
        self._dialing: asyncio.Task[None] | None = None
        self._is_paused = False
        self._sent = 0.0
        self._row, self._room = row, traffic.room(model)
        self._crowd = self._measures.took(route.replica)
        self._room.took(route.replica, self._since, row=row)
        traffic.breaker.took(*self._who)

    # the connection

    def send(self, request: bytes, pool: Pool, asker: Asker) -> None:
        """Send the request; the asker is told what comes of it."""
        self._asker = asker
        connection = pool.take()
        if connection is not None:
            self._give(connection, request, asker)
        else:
            self._dialing = asyncio.get_running_loop().create_task(self._dial(request, pool, asker))

    async def _dial(self, request: bytes, pool: Pool, asker: Asker) -> None:
        try:
            connection = await pool.dial()
        except OSError as error:
            self._dialing = None
            asker.on_refused(str(error))
        else:
            self._dialing = None
            self._give(connection, request, asker)

    def _give(self, connection: UpstreamConnection, request: bytes, asker: Asker) -> None:
        self._upstream = connection
        self._sent = time.monotonic()
        connection.send(request, asker)

    def abort(self) -> None:
        """Hang up: nobody wants the answer any more."""
        if self._dialing is not None:
            self._dialing.cancel()
        if self._upstream is not None:
            self._upstream.abort()

    def pause_reading(self) -> None:
        """Take nothing more from the replica for now."""
        self._is_paused = True
        if self._upstream is not None:
            self._upstream.pause_reading()

    def resume_reading(self) -> None:
        """Take more from the replica."""
        self._is_paused = False
        if self._upstream is not None:
            self._upstream.resume_reading()

    @property
    def listens(self) -> bool:
        """Whether it has been sent, and what comes is taken."""
        return self._upstream is not None and not self._is_paused

    def silence(self, now: float) -> float:
        """Return the seconds for which the replica has said nothing to this; none while nobody listens.

        Parameters
        ----------
        now
            By the monotonic clock.
        """
        if self._upstream is None or not self.listens:
            return 0.0
        return min(now - self._sent, self._upstream.silence())

    def stopped(self) -> None:
        """Tell the asker that the replica has stopped."""
        if self._asker is not None:
            self._asker.on_stopped()

    # what is learnt

    def answered(self) -> None:
        """Take note that the replica does answer."""
        self.is_known = True
        self._traffic.breaker.answered(*self._who)

    def began(self, trail: Trail, *, streamed: bool) -> None:
        """Take note of the first token, and that the replica has read the conversation."""
        now, cluster = self._traffic.clock(), self.route.place.cluster
        if not self._row:
            self._traffic.affinity.keep(self.model, trail, (cluster, self.route.replica.id), now)
        if streamed:
            seconds = now - self._since
            self._measures.began(self.route.replica, cluster, seconds, crowd=self._crowd, now=now)

    def ended(self) -> None:
        """Take note that the answer is whole."""
        now, cluster = self._traffic.clock(), self.route.place.cluster
        self._measures.ended(self.route.replica, cluster, now - self._since, crowd=self._crowd, now=now)
        if self._row:
            self._room.answered(self.route.replica, now, waiting=bool(self._traffic.rows(self.model)))

    def refused(self) -> None:
        """Take note that the replica has too much to do."""
        if self._row:
            self._room.refused(self.route.replica)

    def failed(self, reason: str) -> None:
        """Take note that no answer came, and why."""
        self.is_known = True
        self._traffic.breaker.failed(*self._who, reason, self._traffic.clock())

    def leave(self) -> None:
        """Count the request out."""
        self._measures.left(self.route.replica)
        self._room.left(self.route.replica, self._traffic.clock(), row=self._row)
        if not self.is_known:
            self._traffic.breaker.gave_up(*self._who)
