"""An answer that is held back until it is known whether another server can do better."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from first_jupyter_server import dialects
from first_jupyter_server.dialects.no import No, Then

from .headers import Headers, for_client

if TYPE_CHECKING:
    from first_jupyter_server.federation.decision import Route

    from .answer import Answer

__all__ = ["PASSING", "TOO_MANY", "TurnedAway"]

PASSING = frozenset((502, 503, 504))
"""Statuses of a server that cannot serve now; others are meant for the client."""

TOO_MANY = 429

KEPT = 65_536
"""Bytes of such an answer that are kept."""


class TurnedAway:
    """A server's answer that it will not serve.

    Parameters
    ----------
    status, headers
        Its head.
    route
        Whose it is.
    """

    def __init__(self, status: int, headers: Headers, route: Route) -> None:
        self.status = status
        self._headers, self._route = headers, route
        self._pieces: list[bytes] = []
        self._size = 0

    def add(self, data: bytes) -> None:
        """Take a piece of the body, up to what is kept."""
        if not self.is_full:
            self._pieces.append(data)
            self._size += len(data)

    @property
    def body(self) -> bytes:
        """The body."""
        return b"".join(self._pieces)[:KEPT]

    @property
    def is_full(self) -> bool:
        """Whether there is more of the body than is kept."""
        return self._size > KEPT

    @property
    def is_held(self) -> bool:
        """Whether the client is not told before all of it is known."""
        return (
            self._may_pass
            or 300 <= self.status < 400
            or (self.status >= 400 and dialects.speaks(self._route.place.kind))
        )

    @property
    def _may_pass(self) -> bool:
        return self.status in PASSING or self.status == TOO_MANY

    @cached_property
    def no(self) -> No | None:
        """What it says in the words of its kind, once all of it is there."""
        place = self._route.place
        return dialects.read(place.kind, self.status, self.body, place.cluster)

    @property
    def then(self) -> Then:
        """What follows from it."""
        if self.no is not None:
            return self.no.then
        return Then.ELSEWHERE if self._may_pass else Then.TELL

    @property
    def reason(self) -> str:
        """What it says, for a person."""
        return (self.no.place if self.no is not None else "") or f"it answered with status {self.status}"

    def tell(self, answer: Answer) -> None:
        """Tell the client, in the server's own words."""
        answer.head(self.status, for_client(self._headers, self._route), len(self.body))
        answer.data(self.body)
