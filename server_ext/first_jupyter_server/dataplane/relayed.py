"""A control request that came to the data plane's port and is answered by the extension."""

from __future__ import annotations

import itertools

from .downstream import Connection

__all__ = ["Relayed"]

_ids = itertools.count(1)


class Relayed:
    """Waits for the extension's answer on behalf of a client.

    Parameters
    ----------
    connection
        The client's connection.
    """

    def __init__(self, connection: Connection) -> None:
        self.id = next(_ids)
        self._connection: Connection | None = connection
        connection.attach(self)

    def reply(self, status: int, body: str) -> None:
        """Send the extension's answer."""
        if self._connection is not None:
            self._connection.respond(status, {"content-type": "application/json"}, body.encode())

    def on_client_gone(self) -> None:
        """Drop the answer when it comes."""
        self._connection = None

    def on_write_blocked(self) -> None:
        """Nothing to hold back: the answer is one write."""

    def on_write_possible(self) -> None:
        """Nothing was held back."""
