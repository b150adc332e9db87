"""One streamed answer that may lose its replica: what it takes to have another one go on with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson

from first_jupyter_server import dialects
from first_jupyter_server.federation.catalog import Place
from first_jupyter_server.federation.decision import Route

from .continuation import is_spent, next_ask, unsuited, why_not
from .passed import Passed
from .sieve import MAX_EVENT, Sieve
from .splice import Seam, Splice, finish_events
from .transcript import TOO_LONG, SoFar, Transcript

__all__ = ["MAX_BODY", "ROUTES", "GoingOn"]

ROUTES = ("chat/completions", "completions")

MAX_BODY = 4 * 2**20
"""Bytes of a request that are kept while its answer is on its way; a larger one cannot go on elsewhere."""

MAX_SEAMS = 3
"""Replicas that may be lost in one answer until the request itself is suspected."""


class GoingOn:
    """An answer on its way, and its request.

    Parameters
    ----------
    body, route
        The request as its client sent it, and the path below ``/v1/``.
    kind
        The kind of the cluster that begins it.
    passed
        What the client has been sent, kept from here on.

    Attributes
    ----------
    take
        Takes a piece of the answer and returns what of it the client may get now. Raises ``Diverged`` where
        a replica that was to go on does not.
    waits
        Whether the replica that began is lost, and the next one has not gone on yet.
    what
        What happened to the replica that was lost last, for a person.
    """

    __slots__ = (
        *(
            "_asked",
            "_asked_at",
            "_began",
            "_body",
            "_kept",
            "_known",
            "_left",
            "_passed",
            "_route",
            "_seams",
        ),
        *("_sieve", "_so_far", "_splice", "_transcript", "_whole", "take", "waits", "what"),
    )

    def __init__(self, body: bytes, route: str, kind: str, passed: Passed) -> None:
        self._body = body
        self._route = route
        self._passed = passed
        passed.keep()
        self._sieve = Sieve(self._says_why if dialects.cuts(kind) else None)
        self._transcript: Transcript | None = None
        self._asked: dict[str, Any] = {}
        self._so_far = SoFar()
        self._splice: Splice | None = None
        self._seams: tuple[Seam, ...] = ()
        self._left: Route | None = None
        self._whole = False
        self._asked_at = -1
        self._known, self._kept = "", 0
        self._began: Callable[[], object] = bool
        self.take: Callable[[bytes], bytes] = self._sieve.take
        self.waits = False
        self.what = ""

    # while it comes

    @property
    def given_up(self) -> str:
        """Why the server has given the answer up in words of its own; empty while it has not."""
        return self._sieve.broken

    def rest(self) -> bytes:
        """Return what the end of the stream leaves to be passed on: nothing but an end mark."""
        rest = self._splice.rest() if self._splice is not None else b""
        rest = self._sieve.take(rest) + self._sieve.rest()
        return rest if rest.strip() == b"data: [DONE]" else b""

    # once its replica is lost

    def may_go_on(self, route: Route, places: Iterable[Place]) -> bool:
        """Return whether another replica at these places may go on if the one that writes is lost."""
        self._look(route)
        return not self.obstacle(places)

    def lost(self, route: Route, what: str) -> None:
        """Take note that the replica which writes the answer is lost."""
        self._look(route)
        self.what = what
        self.waits = True
        # What was written again and no more would be written again by the next one, and no more.
        self._whole = len(self._so_far.text) == self._asked_at
        self._sieve.rest()

    def ending(self) -> bytes:
        """Return the events that are missing where the text itself is whole."""
        if self._so_far.more or (self._so_far.finish is None and not is_spent(self._asked, self._so_far)):
            return b""
        return finish_events(self._so_far, self._seams, chat=self._route == ROUTES[0])

    def obstacle(self, places: Iterable[Place]) -> str:
        """Say why no replica at these places can go on with it; empty where one may."""
        backend = self._left.place.backend if self._left is not None else ""
        if len(self._seams) >= MAX_SEAMS:
            return f"{len(self._seams) + 1} servers were lost while they wrote it"
        if why := why_not(self._asked, self._so_far, self._route, backend):
            return why
        reasons = [self._unsuited(place.backend) for place in places]
        return reasons[0] if reasons and all(reasons) else ""

    def backends(self, places: Iterable[Place]) -> frozenset[str]:
        """Return which of these places' backends can go on with it."""
        return frozenset(place.backend for place in places if not self._unsuited(place.backend))

    def request(self) -> bytes:
        """Return what to ask the next replica."""
        ask = next_ask(self._asked, self._so_far, self._route, whole=self._whole)
        self._known, self._kept = ask.known, ask.kept
        self._asked_at = len(self._so_far.text)
        return ask.body

    def joins(self, route: Route, began: Callable[[], object]) -> None:
        """Take note that a replica is about to go on; ``began`` is called when it does."""
        left = self._left.replica.id if self._left is not None else ""
        seam = Seam(len(self._so_far.text), left, route.replica.id, route.place.cluster)
        self._splice = Splice(self._so_far, self._known, self._kept, (*self._seams, seam))
        self._sieve.broken = ""
        self._sieve.says_why = self._says_why if dialects.cuts(route.place.kind) else None
        self._began = began
        self.take = self._take_spliced

    def insist(self) -> bool:
        """Have the next request give all of the text; returns whether that is something new."""
        was, self._whole = self._whole, True
        return not was and bool(self._known)

    def _look(self, route: Route) -> None:
        self._left = route
        self._so_far = self._read().so_far()
        self._asked = self._asked or orjson.loads(self._body)
        if self._splice is not None:
            self._seams = self._splice.seams

    def _read(self) -> Transcript:
        """Read what has been passed on since this was done last: only who has to know what it says does."""
        if self._transcript is None:
            self._transcript = Transcript(chat=self._route == ROUTES[0])
        raw = self._passed.unread()
        if raw is None:
            self._transcript.fail(TOO_LONG)
        elif self._sieve.is_large:
            self._transcript.fail(f"an event of more than {MAX_EVENT // 2**20} MB")
        else:
            self._transcript.read(raw)
        return self._transcript

    def _says_why(self, last: bytes) -> bool:
        """Whether the answer has said why it ends, by these last events, or cannot be gone on with."""
        before = self._read().so_far()
        end = Transcript(chat=self._route == ROUTES[0])
        end.read(last)
        return any(part.more or part.finish is not None for part in (before, end.so_far()))

    def _take_spliced(self, data: bytes) -> bytes:
        assert self._splice is not None  # noqa: S101  # a replica has joined
        data = self._splice.feed(data)
        if self.waits and self._splice.begun:
            self.waits = False
            self._began()
        return self._sieve.take(data)

    def _unsuited(self, backend: str) -> str:
        return unsuited(backend, self._asked, self._so_far, self._route)
