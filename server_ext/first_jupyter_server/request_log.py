"""One line in Jupyter's log for each request that has ended, by the id that its client knows."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

__all__ = ["RequestLog"]

_ENDED = (
    "Request %(request_id)s to %(model)s ended with %(outcome)s (HTTP %(status)d) after %(total_s).1f s; "
    "cluster: %(cluster)s, replica: %(replica)s."
)
_FAILED = _ENDED.replace(" ended ", " failed ")
_FIELDS = (
    *("request_id", "model", "route", "cluster", "replica", "notebook", "status", "outcome", "streamed"),
    *("prompt_tokens", "completion_tokens", "first_byte_s", "total_s"),
)


class RequestLog:
    """A logger of its own, below the extension's; those that failed by no fault of who asked are always told.

    Parameters
    ----------
    log
        The extension's logger. The others are told where its child ``requests`` is set to ``INFO``, or where
        all is told.
    verbose
        Whether all is told.
    """

    def __init__(self, log: logging.Logger, *, verbose: bool) -> None:
        self._log = log.getChild("requests")
        if self._log.level == logging.NOTSET and not verbose:
            self._log.setLevel(logging.WARNING)

    def add(self, outcomes: Iterable[dict[str, Any]]) -> None:
        """Tell of requests that have ended."""
        for outcome in outcomes:
            level, text = (logging.WARNING, _FAILED) if _has_failed(outcome) else (logging.INFO, _ENDED)
            if self._log.isEnabledFor(level):
                fields = {name: outcome.get(name) for name in _FIELDS}
                self._log.log(level, text, outcome, extra={"fields": fields})


def _has_failed(outcome: dict[str, Any]) -> bool:
    """Whether a request failed by no fault of who asked."""
    status, code = int(outcome["status"]), outcome["outcome"]
    return status >= 500 or (status < 400 and code not in ("ok", "cancelled"))
