"""The routes of the last requests, for those who ask why."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from first_jupyter_server.errors import ApiError
from first_jupyter_server.federation.decision import Decision

__all__ = ["Decisions"]

KEPT = 200
"""Requests whose last decision is remembered."""


class Decisions:
    """The last decision on each of the last requests."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[float, str, Decision]] = OrderedDict()

    def keep(self, request: str, label: str, at: float, decision: Decision) -> None:
        """Remember a decision in place of an earlier one on the same request.

        Parameters
        ----------
        request, label
            The request's id, and its notebook's label.
        at
            When the request came, in seconds since the epoch.
        decision
            What was decided; it is put into words only when somebody asks.
        """
        self._kept[request] = (at, label, decision)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def tell(self, request: str | None, label: str) -> dict[str, Any]:
        """Return what ``GET /first/api/why`` answers.

        Parameters
        ----------
        request
            The request's id; None for the last one, of the notebook if it is one that asks.
        label
            The label of the notebook that asks.

        Raises
        ------
        ApiError
            404 where there is no such request, or none yet.
        """
        if request is None:
            whose = (name for name, kept in reversed(self._kept.items()) if label in ("", kept[1]))
            request = next(whose, None)
        if request is None:
            raise ApiError(404, "No model has been asked yet; ask one, then ask why.", code="not_found")
        if request not in self._kept:
            message = f"Nothing is known of the request {request!r}; the last {KEPT} are remembered."
            raise ApiError(404, message, code="not_found", param="request")
        at, _, decision = self._kept[request]
        record = decision.record()
        return {"request": request, "model": record.model, "at": at, **record.to_json()}
