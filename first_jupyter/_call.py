"""One chat request in a thread of its own, so that the kernel's main thread stays free to be interrupted."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from first_jupyter._errors import FirstError
from first_jupyter._http import Exchange

if TYPE_CHECKING:
    from collections.abc import Mapping

    from first_jupyter._connection import Connection

__all__ = ["Call", "Piece"]

# To wake up for every token would cost more than all the rest. An answer's end is seen later by as much: by
# a hundredth of its time at most, but for short ones.
PILE_UP = (0.05, 0.3)
SHARE = 0.01

Json = dict[str, Any]


@dataclass
class Piece:
    """What one event of the stream brought."""

    at: float = field(default_factory=time.perf_counter)
    text: str = ""
    thought: str = ""
    model: str = ""
    finish: str = ""
    usage: dict[str, int] | None = None
    seams: list[Json] = field(default_factory=list)
    headers: Mapping[str, str] | None = None
    error: FirstError | None = None
    done: bool = False
    is_all: bool = False  # the answer came as a whole, so nobody knows when its first token was written


class Call(threading.Thread):
    """Ask once; pieces of the answer are taken as they come.

    OpenAI's client would cost a quarter of a millisecond a token and cannot be ended while it waits for
    the first byte. A stream needs neither.

    Parameters
    ----------
    connection
        Which server.
    body
        The request, as it goes over the wire.
    headers
        Sent with it.
    """

    def __init__(self, connection: Connection, body: Json, headers: Mapping[str, str]) -> None:
        super().__init__(name="first-call", daemon=True)
        self._pieces: deque[Piece] = deque()
        self._wake = threading.Event()
        self._flows_since = 0.0
        url = f"{connection.base_url}/chat/completions"
        self._exchange = Exchange(connection, "POST", url, body, headers=headers)

    @property
    def pile_up(self) -> float:
        """Seconds for which the answer's words may pile up, by now."""
        return self._exchange.pile_up

    def take(self, timeout: float) -> list[Piece]:
        """Wait until the first word or the last comes, or `timeout` seconds; take what is there."""
        self._wake.wait(timeout)
        self._wake.clear()
        return [self._pieces.popleft() for _ in range(len(self._pieces))]

    def stop(self) -> None:
        """Leave: the server sees it at once."""
        self._exchange.close()

    def run(self) -> None:
        """Ask, and put down what comes; the last piece is `done` or has an `error`."""
        try:
            with self._exchange as exchange:
                self._put(Piece(headers=exchange.headers))
                if exchange.is_stream:
                    self._stream(exchange)
                else:
                    self._put(replace(_piece(exchange.json()), is_all=True))
                    self._put(Piece(done=True))
        except FirstError as error:
            self._put(Piece(error=error))
        except Exception as error:  # noqa: BLE001  the reader waits for a last piece, whatever happened
            self._put(Piece(error=FirstError(f"The answer could not be read: {error!r}.")))

    def _put(self, piece: Piece) -> None:
        self._pieces.append(piece)
        if not self._flows_since or piece.done or piece.error:
            self._flows_since = piece.at if piece.text else 0.0
            self._wake.set()
        if self._flows_since:
            self._exchange.pile_up = pile_up(piece.at - self._flows_since)

    def _stream(self, exchange: Exchange) -> None:
        for _, data in exchange.events():
            if data == b"[DONE]":
                self._put(Piece(done=True))
                return
            self._put(piece := _piece(json.loads(data)))
            if piece.error:
                return
        raise FirstError("the connection to the server was lost")


def pile_up(age: float) -> float:
    """Return the seconds for which words may pile up `age` seconds after the first one."""
    least, most = PILE_UP
    return min(max(SHARE * age, least), most)


def _piece(event: Json) -> Piece:
    if event.get("error"):
        error = event["error"]
        return Piece(error=FirstError(str(error.get("message", error) if isinstance(error, dict) else error)))
    choice: Json = next(iter(event.get("choices") or []), {})
    part: Json = choice.get("delta") or choice.get("message") or {}
    return Piece(
        text=part.get("content") or "",
        thought=part.get("reasoning_content") or part.get("reasoning") or "",
        model=event.get("model") or "",
        finish=choice.get("finish_reason") or "",
        usage=event.get("usage"),
        seams=(event.get("x_first") or {}).get("seams") or [],
    )
