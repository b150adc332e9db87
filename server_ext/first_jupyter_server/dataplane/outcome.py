"""What the ledger keeps of a request: never a prompt, never an answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from first_jupyter_server.federation.decision import Route

    from .answer import Answer
    from .choosing import Choosing

__all__ = ["outcome"]


def outcome(
    choosing: Choosing, serving: Route | None, answer: Answer, *, route: str, ended: str | None, since: float
) -> dict[str, Any]:
    """Return how a request ended.

    Parameters
    ----------
    choosing, answer
        What was asked, and what the client got.
    serving
        Who served it at the end, if anybody did.
    route
        The path below ``/v1/``.
    ended
        ``ok``, ``cancelled``, or the error's code.
    since
        When it came, by the monotonic clock.
    """
    usage = answer.passed.usage()
    return {
        "request_id": choosing.request_id,
        "at": choosing.arrived,
        "model": choosing.model.id,
        "route": route,
        "cluster": serving.place.cluster if serving else None,
        "replica": serving.replica.id if serving else None,
        "status": answer.status,
        "outcome": ended,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "first_byte_s": None if answer.first_byte is None else answer.first_byte - since,
        "total_s": time.monotonic() - since,
        "streamed": answer.is_events,
        "label": choosing.label,
    }
