"""A request as it came, and what its connection expects of who answers it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

__all__ = ["Handler", "Request", "Taker"]


@dataclass(slots=True)
class Request:
    """A request as it came: header names in lower case, the body whole.

    Attributes
    ----------
    made
        What was made of the head, by name: kept with it where it is known again.
    """

    method: str
    path: str
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    keep_alive: bool = True
    made: dict[object, Any] = field(default_factory=dict)

    def again(self, body: bytes) -> Request:
        """Return a request with the same head, but for its body's length."""
        headers = {**self.headers, b"content-length": b"%d" % len(body)}
        return Request(self.method, self.path, headers, body, self.keep_alive, self.made)


class Handler(Protocol):
    """Who answers a request on a connection."""

    def on_client_gone(self) -> None:
        """Stop at once: the client has left."""

    def on_write_blocked(self) -> None:
        """Make no more bytes: the client does not keep up."""

    def on_write_possible(self) -> None:
        """Go on: the client has caught up."""


class Taker(Handler, Protocol):
    """Who answers a request and takes its body as it comes."""

    def take(self, data: bytes) -> None:
        """Take a piece of the body."""

    def end(self) -> None:
        """Take note that the body is whole."""
