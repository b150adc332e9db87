"""A FIRST gateway's refusals: its envelope is ``{"error": {"code", "message", "info"}}``, not OpenAI's."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from first_jupyter_server.errors import ApiError

from .no import No, Then

__all__ = ["AGAIN_IN", "needs_login", "no", "said"]

AGAIN_IN = 15.0
"""Seconds after which it makes sense to ask again for a model that is being started."""
A_MINUTE, A_SECOND = 60.0, 1.0
"""The windows of its limits: tokens are counted by the minute, requests by the second."""

_HOW_TO = re.compile(r"\s*(Please logout|If you are passing|please logout).*", re.DOTALL)
"""How to log in again with the gateway's own helper, which is not how it is done here."""


def no(status: int, body: bytes, where: str) -> No:
    """Read a refusal.

    Parameters
    ----------
    status
        Its status.
    body
        Its body.
    where
        The cluster's name.
    """
    code, message, info = _read(body)
    told = f"The gateway of {where} says: {message}" if message else f"The gateway of {where} gives no reason"
    reader = _READERS.get(status)
    if reader is not None:
        return reader(code, told, message, info)
    if status >= 500:
        return No(Then.ELSEWHERE, _error(502, f"{told} (status {status}). Try again, or another cluster."))
    return No(Then.TELL, ApiError(status, f"{told}.", code=code or "refused"))


def said(body: bytes) -> str:
    """Return what a refusal says, in one line."""
    return _read(body)[1]


def needs_login(message: str) -> bool:
    """Say whether a new login may help against a 401; against not being in a group it does not."""
    return "group" not in message.lower()


def _read(body: bytes) -> tuple[str, str, Mapping[str, Any]]:
    """Return code, message and info, as far as there are any."""
    try:
        data = json.loads(body)
    except ValueError:
        return "", "", {}
    error = data.get("error", data.get("detail", data)) if isinstance(data, Mapping) else data
    if isinstance(error, str):
        return "", _line(error), {}
    if not isinstance(error, Mapping):
        return "", "", {}
    info = error.get("info")
    message = error.get("message") or error.get("detail")
    return (
        str(error.get("code") or ""),
        _line(message) if isinstance(message, str) else "",
        info if isinstance(info, Mapping) else {},
    )


def _line(message: str) -> str:
    text = _HOW_TO.sub("", " ".join(message.split())).removeprefix("Error: ")
    return text[:300].rstrip(". ")


def _error(
    status: int, message: str, code: str = "gateway_failed", retry_after: float | None = None
) -> ApiError:
    kind = "rate_limit_error" if status == 429 else "server_error"
    return ApiError(status, message, kind=kind, code=code, retry_after=retry_after)


def _unauthorized(_code: str, told: str, message: str, _info: Mapping[str, Any]) -> No:
    remedy = (
        "Log in again: %first login" if needs_login(message) else "Ask whoever runs the gateway to let you in"
    )
    error = ApiError(401, f"{told}. {remedy}.", kind="authentication_error", code="login_required")
    return No(
        Then.ELSEWHERE, error, place=f"{message}; {remedy[0].lower()}{remedy[1:]}" if message else remedy
    )


def _denied(_code: str, told: str, _message: str, _info: Mapping[str, Any]) -> No:
    error = ApiError(403, f"{told}.", kind="permission_error", code="access_denied")
    return No(Then.ELSEWHERE, error)


def _not_found(code: str, told: str, message: str, _info: Mapping[str, Any]) -> No:
    error = ApiError(404, f"{told}. It may have been renamed or taken away there.", code=code or "not_found")
    return No(Then.ELSEWHERE, error, place=message or "the gateway knows it no more")


def _unsupported(code: str, told: str, _message: str, _info: Mapping[str, Any]) -> No:
    elsewhere = code in ("unsupported_endpoint", "unsupported_framework")
    return No(Then.ELSEWHERE if elsewhere else Then.TELL, ApiError(400, f"{told}.", code=code or "refused"))


def _invalid(code: str, told: str, _message: str, _info: Mapping[str, Any]) -> No:
    return No(Then.TELL, ApiError(400, f"{told}.", code=code or "invalid_request"))


def _timed_out(_code: str, told: str, _message: str, _info: Mapping[str, Any]) -> No:
    remedy = "It waits 300 s for a whole answer: ask with stream, or for fewer tokens."
    return No(
        Then.WAIT,
        _error(504, f"{told}. {remedy}", "request_timeout"),
        place="it did not answer within the 300 s that the gateway waits",
    )


def _too_many(_code: str, told: str, _message: str, info: Mapping[str, Any]) -> No:
    window = A_MINUTE if info else A_SECOND
    used = ", ".join(f"{str(name).replace('_', ' ')} {value}" for name, value in info.items())
    return No(
        Then.ELSEWHERE,
        _error(429, f"{told}{f' ({used})' if used else ''}.", "too_many_requests", window),
    )


def _unavailable(code: str, told: str, message: str, _info: Mapping[str, Any]) -> No:
    if code == "cluster_under_maintenance":
        place = f"under maintenance: {message}" if message else "under maintenance"
        return No(Then.ELSEWHERE, _error(503, f"{told}.", code), place=place)
    if "offline" in message:
        return No(Then.ELSEWHERE, _error(503, f"{told}.", code), place=message)
    error = _error(503, f"{told}. The model is being started.", "model_not_ready", AGAIN_IN)
    return No(Then.WAIT, error, place="the gateway is starting it")


_READERS: dict[int, Callable[[str, str, str, Mapping[str, Any]], No]] = {
    400: _unsupported,
    401: _unauthorized,
    403: _denied,
    404: _not_found,
    408: _timed_out,
    422: _invalid,
    429: _too_many,
    503: _unavailable,
}
