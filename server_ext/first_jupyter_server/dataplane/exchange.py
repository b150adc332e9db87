"""One request's life: routed, perhaps held until a model is ready, delivered, and accounted for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from first_jupyter_server.errors import ApiError
from first_jupyter_server.federation.decision import Decision, Why

from . import body as bodies
from . import headers as forwarded
from . import refusals
from .answer import Answer
from .choosing import Choosing
from .delivery import Delivery
from .outcome import outcome
from .waiting import Waiting

if TYPE_CHECKING:
    from .downstream import Connection
    from .plane import DataPlane
    from .request import Request

__all__ = ["Exchange"]

KEEP_ALIVE = 10.0
"""Seconds of waiting after which a stream gets a comment, before a proxy on the way hangs up."""

RECONSIDER = 1.0
"""Seconds after which a replica that refused a connection is tried again."""


class Exchange:
    """One request and its answer.

    Parameters
    ----------
    plane
        The data plane: catalog, pools, waiting requests.
    request
        The client's request.
    connection
        Where the answer goes.
    route
        The path below ``/v1/``, such as ``chat/completions``.
    label
        The label of the notebook that asks; empty where none does.
    batch
        The batch that it is a row of; empty where it is none's.

    Raises
    ------
    ApiError
        Where the body, the model's name or a wish cannot be served.
    """

    __slots__ = (
        *("_answer", "_delivery", "_over", "_plane", "_started", "_waiting", "asked", "choosing", "path"),
        *("request_id",),
    )

    def __init__(
        self,
        plane: DataPlane,
        request: Request,
        connection: Connection,
        route: str,
        *,
        label: str = "",
        batch: str = "",
    ) -> None:
        self._plane = plane
        self.path = route
        self.asked = bodies.read(request.body)
        self.request_id = forwarded.request_id(request)
        self.choosing = Choosing(plane, request, self.asked, self.request_id, label=label, batch=batch)
        self._started = time.monotonic()
        self._waiting = Waiting(forwarded.wait_of(request), self._look_again)
        self._over = False
        self._answer = Answer(
            connection, self.request_id, ends_with_mark=route != "responses", on_first=self._on_first
        )
        self._delivery = Delivery(self, plane, request, self._answer)
        connection.attach(self)

    # routing

    def start(self) -> bool:
        """Go on where a replica is ready, wait where one will be, give up where waiting is pointless.

        Returns
        -------
        bool
            Whether it went on, so that it has taken its turn.
        """
        if self._over or self._delivery.is_under_way:
            return False
        try:
            decision = self.choosing.decide()
        except ApiError as error:
            self.fail(error)
            return False
        return self.follow(decision)

    def follow(self, decision: Decision) -> bool:
        """Do as a decision says; returns whether the request goes to a replica."""
        if decision.route is None:
            self._hold(decision)
            return False
        self._waiting.end()
        self._plane.waits_no_more(self, served=True)
        self._delivery.send(decision.route)
        return True

    def _hold(self, decision: Decision) -> None:
        """Wait, unless that would take longer than the client waits."""
        joins = decision.why is Why.FULL and not self._delivery.goes_on and not self._plane.holds(self)
        if joins and (refusal := self.choosing.in_line(self._waiting.patience)) is not None:
            self.fail(refusal)
            return
        self._plane.hold(self)
        if (cluster := self.choosing.starts(decision)) is not None:
            self._plane.start(self.choosing.model.id, cluster)
        if not self._waiting.look_in(RECONSIDER if decision.why is Why.NOWHERE else KEEP_ALIVE):
            self._plane.waits_no_more(self)
            self.fail(self.choosing.overdue())

    def _look_again(self) -> None:
        self.choosing.forgive()
        if self.asked.stream and self._waiting.seconds >= KEEP_ALIVE - RECONSIDER:
            self._answer.comment(self.choosing.standing)
        self.start()

    def begin_again(self) -> None:
        """Find another replica for an answer that has broken off, with all of the client's patience."""
        self._waiting.begin()
        self.start()

    # what the client does

    def on_client_gone(self) -> None:
        """Free the model at once."""
        self._delivery.abort()
        # OpenAI's clients hang up at the end mark, which may be before the replica has ended the answer.
        self.finish(gone=not self._answer.is_whole)

    def on_write_blocked(self) -> None:
        """Take nothing more from the replica until the client has caught up."""
        self._delivery.pause()

    def on_write_possible(self) -> None:
        """Take more from the replica."""
        self._delivery.resume()

    # the end

    def fail(self, error: ApiError) -> None:
        """End the answer with an error."""
        if self._delivery.goes_on and error.code != refusals.CUT_SHORT:
            error = refusals.cut_short(self._delivery.broke_off, error.message)
        self._answer.fail(error)
        self.finish(error=error)

    def finish(self, *, error: ApiError | None = None, gone: bool = False) -> None:
        """Close the books, once."""
        if self._over:
            return
        self._over = True
        self._waiting.end()
        serving = self._delivery.served_by
        self._delivery.leave()
        self._plane.waits_no_more(self)
        ended = "cancelled" if gone else error.code if error else "ok"
        if not self.choosing.batch:  # the process of batches tells of all its rows together
            self._plane.ended(
                outcome(
                    self.choosing, serving, self._answer, route=self.path, ended=ended, since=self._started
                )
            )
        # They refer back: left like this, all of it goes at once, and the next request has its memory.
        del self._answer, self._delivery, self._waiting

    def _on_first(self) -> None:
        self._delivery.on_first()
