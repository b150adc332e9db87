"""Ask, show what comes as it comes, and give the answer back, also when it broke off."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from first_jupyter import _control
from first_jupyter._answer import Answer
from first_jupyter._call import Call, Piece
from first_jupyter._connection import connection
from first_jupyter._errors import FirstError, Interrupted, StatusError
from first_jupyter._steps import Notice
from first_jupyter._waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from first_jupyter._screen import Screen

__all__ = ["ask", "due"]

# A long answer is sent whole with each update: small steps cost more and show less as it grows.
STEP = 80  # characters
PATIENCE = 1.1  # seconds
LONG = 4000  # characters, with which steps and patience have doubled


def ask(
    body: dict[str, Any], screen: Screen, rate: float, headers: Mapping[str, str]
) -> tuple[Answer, BaseException | None]:
    """Ask the model and show the answer while it is written.

    Parameters
    ----------
    body
        The request, as it goes over the wire.
    screen
        Shows the text, or, before there is any, how far the model is.
    rate
        Updates of the screen a second, at most.
    headers
        Sent with it.

    Returns
    -------
    tuple
        The answer with all the text there is, and what went wrong, or None.
    """
    tally = Tally(body["model"])
    call, waiting = Call(connection(), body, headers), Waiting(body["model"])
    shown, last = 0, 0.0
    try:
        call.start()
        while not tally.ended:
            for piece in call.take(max(1 / rate, call.pile_up) if tally.text else 0.1):
                tally.add(piece)
            now = time.perf_counter()
            if not tally.text:
                if notice := tally.thinking or waiting.notice(now - tally.started):
                    screen.waiting(notice)
            elif due(now - last, len(tally.text) - shown, len(tally.text), rate) and not tally.ended:
                waiting.stop()
                screen.show(tally.text)
                shown, last = len(tally.text), now
    except KeyboardInterrupt:
        goes_on = "" if tally.text else waiting.goes_on
        tally.error = Interrupted(goes_on or "stopped by the reader; the text so far is kept.")
    finally:
        call.stop()
        waiting.stop()
    answer = tally.answer(waiting.warmed_at)
    if answer.text and not answer.cluster:
        _learn_who_served(answer)
    return answer, tally.told()


def _learn_who_served(answer: Answer) -> None:
    """Ask who served: where a model was waited for, the answer's head was sent before that was known."""
    with contextlib.suppress(FirstError):
        if chosen := _control.why(answer.request_id)["chosen"]:
            answer.cluster, answer.replica = chosen["cluster"], chosen["replica"]
            answer.route = chosen["path"]


def due(elapsed: float, grown: int, length: int, rate: float) -> bool:
    """Whether a text of `length` that has `grown` since its last update is to be shown again now."""
    longer = 1 + length / LONG
    enough = grown >= min(STEP * longer, length / 4) or elapsed >= PATIENCE * longer
    return grown > 0 and elapsed >= 1 / rate and enough


class Tally:
    """What has come so far."""

    def __init__(self, model: str) -> None:
        self.started = time.perf_counter()
        self.text = ""
        self.ended = False
        self.error: BaseException | None = None
        self._answer = Answer(model=model)
        self._first: float | None = None
        self._pieces = self._thoughts = 0
        self._is_all = False

    def add(self, piece: Piece) -> None:
        """Count one piece in."""
        answer = self._answer
        if piece.headers is not None:
            answer.cluster = piece.headers.get("x-first-cluster", "")
            answer.replica = piece.headers.get("x-first-replica", "")
            answer.route = piece.headers.get("x-first-route", "")
            answer.request_id = piece.headers.get("x-request-id", "")
        if piece.text or piece.thought:
            self._first = self._first or piece.at
            self._is_all = piece.is_all
            self._pieces += 1
            self._thoughts += bool(piece.thought)
        self.text += piece.text
        answer.model = piece.model or answer.model
        answer.finish = piece.finish or answer.finish
        answer.usage = piece.usage or answer.usage
        answer.seams = piece.seams or answer.seams
        self.error = piece.error or self.error
        self.ended = piece.done or piece.error is not None

    @property
    def thinking(self) -> Notice | None:
        """What to say of a model that thinks before it writes."""
        return Notice(f"thinking, {self._thoughts} tokens so far") if self._thoughts else None

    def answer(self, warmed_at: float | None) -> Answer:
        """Close the account."""
        answer = self._answer
        answer.text = self.text
        answer.seconds = time.perf_counter() - self.started
        answer.first_token = None if self._first is None or self._is_all else self._first - self.started
        if warmed_at is not None and answer.first_token is not None:
            answer.warm_up = min(warmed_at - self.started, answer.first_token)
        if self.error:
            answer.finish = "interrupted" if isinstance(self.error, Interrupted) else "failed"
        if not answer.usage and self._pieces:
            answer.usage = {"completion_tokens": self._pieces}
        return answer

    def told(self) -> BaseException | None:
        """Say what went wrong in words for the reader."""
        if not isinstance(self.error, FirstError) or isinstance(self.error, StatusError) or not self._first:
            return self.error
        # Our own server says the like, in words for all clients.
        reason = (
            str(self.error).removeprefix("The answer is incomplete: ").partition(". Ask again")[0].rstrip(".")
        )
        return FirstError(
            f"The answer broke off after {self._pieces} tokens: {reason}. "
            "The text so far is kept; run the cell again for a whole one."
        )
