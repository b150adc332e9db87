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

# The screen changes some times a second: to wake up for every token would cost more than all the rest.
PILE_UP = 0.05

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
        self._flows = False
        url = f"{connection.base_url}/chat/completions"
        self._exchange = Exchange(connection, "POST", url, body, headers=headers)

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
        if not self._flows or piece.done or piece.error:
            self._flows = bool(piece.text)
            self._wake.set()
        if self._flows:
            self._exchange.pile_up = PILE_UP

    def _stream(self, exchange: Exchange) -> None:
        for _, data in exchange.events():
            if data == b"[DONE]":
                self._put(Piece(done=True))
                return
            self._put(piece := _piece(json.loads(data)))
            if piece.error:
                return
        raise FirstError("the connection to the server was lost")


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
