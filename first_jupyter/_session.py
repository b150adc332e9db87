"""What this kernel remembers: its chats, its last answer, its use, and its errors."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from first_jupyter._describe import shorten
from first_jupyter._errors import FirstError, Interrupted

if TYPE_CHECKING:
    from first_jupyter._answer import Answer

__all__ = ["Session", "session", "traceback_text"]

KEPT_ERRORS = 50
TRACEBACK_LIMIT = 3_000


@dataclass
class Session:
    """What this kernel remembers.

    Parameters
    ----------
    chats
        Exchanges of each chat, a question and its answer each, as messages.
    last
        The last answer.
    served
        Per model: requests, prompt tokens and completion tokens.
    errors
        Tracebacks of failed cells, by the cell's number.
    """

    chats: dict[str, list[tuple[Any, str]]] = field(default_factory=dict)
    last: Answer | None = None
    served: dict[str, list[int]] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)

    def history(self, chat: str | None, exchanges: int) -> list[dict[str, Any]]:
        """Read the last messages of a chat."""
        recent = self.chats.get(chat or "", [])[-exchanges:] if exchanges else []
        roles = ("user", "assistant")
        return [
            {"role": role, "content": said}
            for exchange in recent
            for role, said in zip(roles, exchange, strict=True)
        ]

    def remember(self, chat: str | None, question: Any, answer: Answer) -> None:
        """Add an exchange to a chat; without a chat, to none."""
        if chat:
            self.chats.setdefault(chat, []).append((question, answer.text))

    def count(self, answer: Answer) -> None:
        """Keep the answer as the last one and count its tokens; a refusal is no answer."""
        if answer.finish == "failed" and not answer.text:
            return
        self.last = answer
        row = self.served.setdefault(answer.model, [0, 0, 0])
        row[0] += 1
        row[1] += answer.usage.get("prompt_tokens", 0)
        row[2] += answer.usage.get("completion_tokens", 0)

    def note_error(self, result: Any) -> None:
        """Keep the traceback of a failed cell; IPython calls this after each."""
        error = result.error_before_exec or result.error_in_exec
        number = result.execution_count
        if error is None or isinstance(error, FirstError | Interrupted) or number is None:
            return
        self.errors[number] = traceback_text(error)
        while len(self.errors) > KEPT_ERRORS:
            del self.errors[next(iter(self.errors))]


session = Session()


def traceback_text(error: BaseException) -> str:
    """Write a traceback without colours and without IPython's own frames, bounded in length."""
    frame = error.__traceback__
    while frame and "/IPython/core/" in frame.tb_frame.f_code.co_filename.replace("\\", "/"):
        frame = frame.tb_next
    return shorten("".join(traceback.format_exception(type(error), error, frame)).strip(), TRACEBACK_LIMIT)
