"""What somebody asks for who makes a batch, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from first_jupyter_server.duration import Duration
from first_jupyter_server.errors import ApiError

from .lines import ENDPOINTS
from .objects import Json

__all__ = ["WISHES", "Wanted", "max_cost", "seconds"]

WISHES = ("x-first-avoid", "x-first-prefer", "x-first-stay")
"""Headers that say where rows may be answered; kept with the batch."""

NUMBERS = {"replicas": 1_000, "max_cost": 10**15}
"""What ``metadata`` may ask for besides, and how much of it at most."""

_DURATION: TypeAdapter[float | None] = TypeAdapter(Duration)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A batch that somebody wants.

    Parameters
    ----------
    window
        ``completion_window`` as it was written, and the seconds that it means.
    first
        What goes beyond OpenAI's keys: ``replicas``, ``max_cost``, and the clusters of ``stay``, ``avoid``,
        ``prefer``.
    """

    endpoint: str
    input_file: str
    window: tuple[str, float]
    metadata: dict[str, str] | None
    first: Json

    @classmethod
    def read(cls, body: Any, headers: Mapping[str, str]) -> Wanted:
        """Read a request.

        Raises
        ------
        ApiError
            400 with the parameter that is wrong.
        """
        if not isinstance(body, dict):
            raise ApiError(400, "The body must be a JSON object.", code="invalid_json")
        endpoint, source = _text(body, "endpoint"), _text(body, "input_file_id")
        if endpoint not in ENDPOINTS:
            message = f"'endpoint' must be one of {', '.join(ENDPOINTS)}, not {endpoint!r}."
            raise ApiError(400, message, code="invalid_value", param="endpoint")
        window = _text(body, "completion_window")
        metadata = _metadata(body)
        first: Json = {}
        for name, most in NUMBERS.items():
            if metadata and (value := metadata.get(name)) is not None:
                first[name] = _number(value, f"metadata.{name}", most)
        for name in WISHES:
            if (value := headers.get(name)) is not None:
                first[name.removeprefix("x-first-")] = value
        return cls(endpoint, source, (window, seconds(window)), metadata, first)


def seconds(window: str) -> float:
    """Return how long a ``completion_window`` is.

    Raises
    ------
    ApiError
        400 where it is no time.
    """
    try:
        found = _DURATION.validate_python(window)
    except ValidationError:
        found = None
    if not found:
        message = f"'completion_window' must be a time such as 24h, 90m or 7d, not {window!r}."
        raise ApiError(400, message, code="invalid_value", param="completion_window")
    return found


def max_cost(body: Any) -> Json:
    """Return what a request to resume a batch says of its ``max_cost``: nothing, another one, or none.

    Raises
    ------
    ApiError
        400 where it is no number of tokens.
    """
    if not isinstance(body, dict) or "max_cost" not in body:
        return {}
    value = body["max_cost"]
    return {"max_cost": None if value is None else _number(value, "max_cost", NUMBERS["max_cost"])}


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise ApiError(400, f"'{name}' is missing, or no string.", code="invalid_type", param=name)
    return value


def _metadata(body: dict[str, Any]) -> dict[str, str] | None:
    metadata = body.get("metadata")
    if metadata is None:
        return None
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        message = "'metadata' must be an object whose values are strings."
        raise ApiError(400, message, code="invalid_type", param="metadata")
    return metadata


def _number(value: Any, name: str, most: int) -> int:
    if not str(value).isdecimal() or not 1 <= int(value) <= most:
        message = f"'{name}' must be a whole number from 1 to {most:,}, such as \"2\", not {value!r}."
        raise ApiError(400, message, code="invalid_value", param=name)
    return int(value)
