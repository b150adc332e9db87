"""A table of routes as a part of a stand-in: every call is remembered, and calls can be made to fail."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from auth import Refused
from loopback import Reply, Request

__all__ = ["UUID", "Call", "Fault", "Route", "Routes"]

UUID = r"([0-9a-fA-F-]{36})"
Route = tuple[str, str, Callable[..., Any]]
"""A method, a pattern of paths, and what takes the request, the caller's claims and the pattern's groups."""

log = logging.getLogger("standin")


@dataclass(frozen=True)
class Call:
    """One request as a test finds it afterwards."""

    time: float
    line: str
    status: int


@dataclass
class Fault:
    """What befalls the next requests whose ``METHOD /path`` matches.

    Parameters
    ----------
    match
        A pattern.
    status
        The status they get; 0 hangs up, None lets them through.
    times
        How many of them; None means all, until the fault is taken away.
    delay
        Seconds to wait first.
    """

    match: str
    status: int | None = None
    times: int | None = None
    delay: float = 0.0


class Routes:
    """Answers what its table knows.

    Parameters
    ----------
    table
        The routes.
    admit
        Returns the caller's claims, or raises ``Refused``.
    """

    def __init__(self, table: Iterable[Route], admit: Callable[[Request], dict[str, Any]]) -> None:
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self._table = [(method, re.compile(pattern), handler) for method, pattern, handler in table]
        self._admit = admit
        self._lock = threading.Lock()

    def answer(self, request: Request) -> Reply | None:
        """Answer a request, None where the path is unknown."""
        line = f"{request.method} {request.path}"
        for method, pattern, handler in self._table:
            if method == request.method and (found := pattern.fullmatch(request.path.rstrip("/"))):
                reply = self._reply(line, request, handler, found.groups())
                self.calls.append(Call(time.time(), line, reply.status))
                return reply
        return None

    def called(self, pattern: str) -> list[Call]:
        """Return the calls whose ``METHOD /path`` matches."""
        return [call for call in list(self.calls) if re.search(pattern, call.line)]

    def _reply(
        self, line: str, request: Request, handler: Callable[..., Any], parts: tuple[Any, ...]
    ) -> Reply:
        try:
            if (fault := self._fault(line)) is not None:
                time.sleep(fault.delay)
                if fault.status is not None:
                    raise Refused(fault.status, "FAULT", f"The stand-in was told to answer {fault.status}.")
            return Reply(200, handler(request, self._admit(request), *parts))
        except Refused as refused:
            return Reply(refused.status, {**refused.body, "reason": str(refused)})
        except Exception as error:
            log.exception("%s", line)
            return Reply(500, {"code": "INTERNAL", "reason": repr(error)})

    def _fault(self, line: str) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                if fault.times != 0 and re.search(fault.match, line):
                    if fault.times is not None:
                        fault.times -= 1
                    return fault
        return None
