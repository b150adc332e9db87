"""How many clients are connected, and whether there is room for one more."""

from __future__ import annotations

from first_jupyter_server.errors import ApiError
from first_jupyter_server.processes.descriptors import allowed

__all__ = ["Crowd"]

RESERVE = 64
"""Files that may be open besides connections: pipes, sockets, tunnels, who is being turned away."""


class Crowd:
    """The clients of this process, each of whom takes two descriptors: its own connection and a replica's.

    Without one for the replica an answer would fail, and without one for itself a client would be hung up on
    without a word. So those for whom there are not both are told so.

    Parameters
    ----------
    most
        How many clients there may be.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = max(1, (allowed() - RESERVE) // 2) if most is None else most
        self._here = 0

    def came(self) -> bool:
        """Count one more client; returns whether it finds room."""
        self._here += 1
        return self._here <= self._most

    def left(self) -> None:
        """Count one client less."""
        self._here -= 1

    def refusal(self) -> ApiError:
        """Say that there is no room, and what to do now."""
        message = (
            f"There are {self._most} connections to this server already, and it may open no more files. Try "
            "again in a moment; if that happens often, raise the limit of open files (ulimit -n) for Jupyter."
        )
        return ApiError(
            503, message, kind="service_unavailable", code="too_many_connections", retry_after=1.0
        )
