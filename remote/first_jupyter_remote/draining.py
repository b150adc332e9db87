"""How a server is ended in good order: running answers come to their end, and then it does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .server import Server
    from .stopping import Stop

__all__ = ["drain"]

GRACE, GRACE_IN_A_HURRY = 10.0, 5.0


class EnoughError(Exception):
    """Running answers are not waited for any more."""


def drain(server: Server, stop: Stop, tell: Callable[[], None], *, answers: float, grace: float) -> None:
    """Wait for running answers, unless somebody is in a hurry, and end the server.

    Parameters
    ----------
    server
        The server.
    stop
        Where a hurry is told.
    tell
        Called now and then, to tell what is due.
    answers
        Seconds that running answers may take; 0 where there are none.
    grace
        Seconds that the server may take to end.
    """
    until = time.monotonic() + answers

    def rest() -> None:
        stop.wait(0.1)
        tell()

    def rest_while_there_is_time() -> None:
        rest()
        if stop.hurry or time.monotonic() >= until or server.death():
            raise EnoughError

    try:
        while answers > 0 and not server.death():
            load = server.load(rest_while_there_is_time)
            if not load or not (load.running or load.waiting):
                break
            rest_while_there_is_time()
    except EnoughError:
        pass
    server.end(lambda: min(grace, GRACE_IN_A_HURRY) if stop.hurry else grace, rest)
