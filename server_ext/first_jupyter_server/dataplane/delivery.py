"""From a replica to the client: a request sent, its answer passed on, or gone on with elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from first_jupyter_server.dialects.no import Then
from first_jupyter_server.federation.decision import Route

from . import body as bodies
from . import headers as forwarded
from . import refusals
from .dialing import authority
from .going_on import MAX_BODY, ROUTES, GoingOn
from .splice import Diverged
from .turned_away import TurnedAway
from .upstream import head_bytes

if TYPE_CHECKING:
    from .answer import Answer
    from .attempt import Attempt
    from .exchange import Exchange
    from .plane import DataPlane
    from .request import Request

__all__ = ["Delivery"]


class Delivery:
    """Has one request answered, by one replica after the other where that has to be.

    Parameters
    ----------
    exchange
        Whose request it is: told to route anew, and when it is over.
    plane
        Pools and load.
    request, answer
        What the client sent, and what it sees.
    """

    __slots__ = (
        *("_answer", "_asked", "_attempt", "_body", "_choosing", "_exchange", "_going_on", "_is_paused"),
        *("_lost", "_path", "_plane", "_request", "_turned_away"),
    )

    def __init__(self, exchange: Exchange, plane: DataPlane, request: Request, answer: Answer) -> None:
        self._exchange = exchange
        self._plane = plane
        self._choosing = exchange.choosing
        self._request = request
        self._body = request.body
        self._asked = exchange.asked
        self._path = exchange.path
        self._answer = answer
        self._attempt: Attempt | None = None
        self._turned_away: TurnedAway | None = None
        self._going_on: GoingOn | None = None
        self._is_paused = False
        self._lost: Route | None = None

    # for the exchange

    def send(self, route: Route) -> None:
        """Send the request, or what is left to be answered of it, to a replica."""
        replica, body = route.replica, self._body
        name = replica.model or self._choosing.model.id
        if self._asked.model != name:
            body = bodies.with_model(body, name)
        made = self._request.made
        if (head := made.get(replica)) is None:
            headers = forwarded.for_replica(self._request, replica)
            host = authority(replica.host, replica.port, tls=replica.tls)
            head = made[replica] = head_bytes("POST", f"{replica.base}/{self._path}", host, headers)
        identity = self._choosing.request_id.encode("latin-1", "replace")
        request = b"%bx-request-id: %b\r\ncontent-length: %d\r\n\r\n%b" % (head, identity, len(body), body)
        self._attempt = self._plane.attempt(self._choosing.model.id, route, row=bool(self._choosing.batch))
        self._attempt.send(request, self._plane.pool(replica), self)

    @property
    def is_under_way(self) -> bool:
        """Whether a replica is at it."""
        return self._attempt is not None

    @property
    def served_by(self) -> Route | None:
        """Who is at it, or was when it broke off."""
        return self._lost if self._attempt is None else self._attempt.route

    @property
    def goes_on(self) -> bool:
        """Whether an answer that has begun waits for another replica to go on with it."""
        return self._going_on is not None and self._going_on.waits

    @property
    def broke_off(self) -> str:
        """What happened to the replica whose answer waits to be gone on with."""
        return self._going_on.what if self._going_on is not None else ""

    def leave(self) -> None:
        """Count the request out at its replica."""
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            self._plane.left(attempt)

    def abort(self) -> None:
        """Hang up."""
        if self._attempt is not None:
            self._attempt.abort()

    def pause(self) -> None:
        """Take nothing more from the replica, nor from one that takes its place."""
        self._is_paused = True
        if self._attempt is not None:
            self._attempt.pause_reading()

    def resume(self) -> None:
        """Take more from the replica."""
        self._is_paused = False
        if self._attempt is not None:
            self._attempt.resume_reading()

    def on_first(self) -> None:
        """Note the first byte; from here on the prompt is kept only if the answer may go on elsewhere."""
        self._request.body = self._body = b""
        if self._attempt is not None and self._answer.status == 200:
            self._attempt.began(self._asked.trail, streamed=self._asked.stream)

    # what the replica says

    def on_head(self, status: int, headers: forwarded.Headers) -> None:
        """Pass the head on, with our own headers added."""
        attempt = self._attempt
        if attempt is None:
            return
        turned_away = TurnedAway(status, headers, attempt.route)
        if turned_away.is_held or (self._answer.begun and status != 200):
            self._turned_away = turned_away
            return
        if status >= 500:
            attempt.failed(turned_away.reason)
        else:
            attempt.answered()
        if not self._answer.begun:
            stated = dict(headers).get(b"content-length", b"")
            length = int(stated) if stated.isdigit() else None
            told = forwarded.for_client(headers, attempt.route)
            if self._choosing.batch:
                told.append((b"x-first-line", b"%d" % self._plane.rows_waiting(self._choosing.model.id)))
            self._answer.head(status, told, length)
        if status == 200:
            self._listen(attempt)

    def _listen(self, attempt: Attempt) -> None:
        """Have a replica go on, or keep what it takes for another one to go on for it."""
        if self._going_on is not None and self._going_on.waits:
            self._going_on.joins(
                attempt.route, lambda: attempt.began(self._asked.trail, streamed=self._asked.stream)
            )
            if self._is_paused:
                attempt.pause_reading()
        else:
            may = self._answer.is_events and self._path in ROUTES and len(self._body) <= MAX_BODY
            kind, passed = attempt.route.place.kind, self._answer.passed
            self._going_on = GoingOn(self._body, self._path, kind, passed) if may else None

    def on_data(self, data: bytes) -> None:
        """Pass a piece of the body on."""
        going_on = self._going_on
        if self._turned_away is not None:
            self._turned_away.add(data)
            if self._turned_away.is_full:
                self.abort()
                self._go_elsewhere(self._turned_away)
        elif going_on is None:
            self._answer.data(data)
        else:
            try:
                passed = going_on.take(data)
            except Diverged:
                self._insist(going_on)
                return
            if passed:
                self._answer.data(passed)
            if passed is not data and going_on.given_up:
                self.abort()
                self._break_off(f"gave up ({going_on.given_up.rstrip('.')})")

    def on_end(self) -> None:
        """End the answer."""
        if self._turned_away is not None:
            self._go_elsewhere(self._turned_away)
            return
        if self._going_on is not None and (rest := self._going_on.rest()):
            self._answer.data(rest)
        if self._answer.is_cut:
            self._break_off("ended the stream early")
            return
        if self._attempt is not None and self._answer.status == 200:
            self._attempt.ended()
        self._end()

    def on_refused(self, reason: str) -> None:
        """Go elsewhere, or wait until the replica is back."""
        if (attempt := self._attempt) is not None:
            self._choosing.refused(attempt.route.replica)
            self._plane.failed(attempt, reason)
            self._start_again()

    def on_lost(self, reused: bool) -> None:
        """Go elsewhere, with the request or with what is left to be answered of it."""
        attempt = self._attempt
        if attempt is None:
            return
        if self._turned_away is not None:
            self._go_elsewhere(self._turned_away)
        elif self._answer.first_byte is not None and not self.goes_on:
            self._break_off("went away")
        elif reused and not attempt.is_known:
            # The server closed an idle connection just as it was taken; that says nothing of the request.
            self._start_again()
        else:
            self._plane.failed(attempt, "it closed the connection before it answered")
            if (error := self._choosing.lost(attempt.route)) is not None:
                self._exchange.fail(error)
            else:
                self._start_again()

    def on_stopped(self) -> None:
        """Leave a replica that has stopped, where another one can take its place; a slow one may go on."""
        attempt = self._attempt
        if attempt is None or not self._choosing.has_other(attempt.route.replica):
            return
        if self._turned_away is None and self._answer.first_byte is not None and not self.goes_on:
            going_on, places = self._going_on, self._choosing.model.places
            may = going_on is not None and going_on.may_go_on(attempt.route, places)
            if may or self._choosing.is_gone(attempt.route.replica):
                attempt.abort()
                self._break_off("stopped answering")
        else:
            attempt.abort()
            self._turned_away = None
            self.on_refused("it has stopped answering")

    # where it would not serve

    def _go_elsewhere(self, turned_away: TurnedAway) -> None:
        """Go on to the next candidate; where there is none, tell the client what the server said."""
        attempt, self._turned_away = self._attempt, None
        if attempt is None:
            return
        replica, then, no = attempt.route.replica, turned_away.then, turned_away.no
        self._plane.turned_away(attempt, turned_away)
        if then is Then.WAIT and self._choosing.waits_for(replica):
            self._start_again()
            return
        tries_left = self._choosing.turned_away(replica)
        if then is Then.ELSEWHERE and tries_left and (decision := self._choosing.elsewhere(turned_away)):
            self.leave()
            self._exchange.follow(decision)
        elif then is Then.ELSEWHERE and (error := self._choosing.exhausted()) is not None:
            self._exchange.fail(error)
        elif no is not None or self._answer.begun:
            self._exchange.fail(refusals.refused(turned_away.body) if no is None else no.error)
        else:
            turned_away.tell(self._answer)
            self._end()

    def _start_again(self) -> None:
        self.leave()
        self._exchange.start()

    # where it is lost in the middle

    def _break_off(self, what: str) -> None:
        """Have another replica go on with the answer; where none can, say so."""
        going_on = self._going_on
        if (attempt := self._attempt) is None:
            return
        if self._answer.passed.is_done:
            self._end()
            return
        self._plane.failed(attempt, f"it {what}")
        what = f"the model's server on {attempt.route.place.cluster} {what}"
        if going_on is None:
            self._exchange.fail(refusals.cut_short(what))
            return
        places = self._choosing.model.places
        going_on.lost(attempt.route, what)
        if ending := going_on.ending():
            self._answer.data(ending)
            self._end()
        elif why := going_on.obstacle(places):
            self._exchange.fail(refusals.cut_short(what, why))
        else:
            self._lost = attempt.route
            self._choosing.goes_on(attempt.route.replica, going_on.backends(places))
            self.leave()
            self._body = going_on.request()
            self._exchange.begin_again()

    def _insist(self, going_on: GoingOn) -> None:
        """Give a replica all of the text that did not write the end of it once more."""
        if (attempt := self._attempt) is None:
            return
        attempt.abort()
        self.leave()
        if going_on.insist():
            self._body = going_on.request()
            self.send(attempt.route)
        else:
            self._exchange.fail(refusals.cut_short(going_on.what, "the next server began anew"))

    def _end(self) -> None:
        self._answer.end()
        self._exchange.finish()
