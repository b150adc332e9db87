"""Refusals of OpenAI-compatible servers: what clients expect, but for those that are no fault of theirs."""

from __future__ import annotations

import json

from first_jupyter_server.errors import ApiError

from .no import No, Then

__all__ = ["no"]


def no(status: int, body: bytes, where: str) -> No | None:
    """Read a refusal; None where it is to be told as it is.

    Parameters
    ----------
    status, body
        What it says.
    where
        The cluster's name.
    """
    if status in (401, 403):
        place = f"it does not take the key that this server has for it (status {status})"
        message = f"{where}: {place}. `%first clusters` names the setting that holds the key."
        error = ApiError(502, message, kind="server_error", code="key_refused")
        return No(Then.ELSEWHERE, error, place=place)
    if status == 404:
        said = _message(body) or "it knows neither the model nor the route"
        error = ApiError(404, f"{where} says: {said}", code="model_not_found", param="model")
        return No(Then.ELSEWHERE, error, place=said)
    return None


def _message(body: bytes) -> str:
    try:
        error = json.loads(body)["error"]
        message = error["message"] if isinstance(error, dict) else error
    except (ValueError, KeyError, TypeError):
        return ""
    return message[:300] if isinstance(message, str) else ""
