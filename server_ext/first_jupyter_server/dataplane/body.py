"""A request's body: read once for what routing needs of it, changed in the model's name alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import orjson

from first_jupyter_server.errors import ApiError
from first_jupyter_server.federation.affinity import Trail, trail

__all__ = ["Asked", "read", "with_model"]

_SPACE = rb"[ \t\r\n]*"
_KEY = re.compile(_SPACE + rb'("(?:[^"\\]|\\.)*")' + _SPACE + rb":" + _SPACE, re.DOTALL)
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_SCALAR = re.compile(rb"[^,\]}\s]+")
_SKIP = re.compile(rb'[^"\[\]{}]+')
_NEXT = re.compile(_SPACE + rb"([,}])")
_IMAGES = ("image_url", "input_image")
_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Asked:
    """What the data plane needs to know of a body.

    Parameters
    ----------
    model, stream
        The model's name, and whether the answer is to come in events.
    needs
        What the model has to be able to do besides text: ``tools``, ``images``, ``json_schema``.
    trail
        By which the conversation is known again.
    """

    model: str
    stream: bool
    needs: frozenset[str] = frozenset()
    trail: Trail = ()


def read(body: bytes) -> Asked:
    """Read what routing needs.

    Raises
    ------
    ApiError
        400 where the body is not a JSON object or the name not a string.
    """
    try:
        data: Any = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        message = f"The body is not valid JSON: {error}."
        raise ApiError(400, message, code="invalid_json") from None
    if not isinstance(data, dict):
        message = f"The body must be a JSON object with a model's name, not {type(data).__name__}."
        raise ApiError(400, message, code="invalid_json")
    model = data.get("model", "")
    if model is None:
        model = ""
    if not isinstance(model, str):
        message = f"'model' must be a string, not {type(model).__name__}."
        raise ApiError(400, message, code="invalid_type", param="model")
    return Asked(model=model, stream=data.get("stream") is True, needs=_needs(data), trail=trail(data))


def _needs(data: dict[str, Any]) -> frozenset[str]:
    """Return the abilities without which this cannot be answered."""
    needs = set()
    if data.get("tools") or data.get("functions"):
        needs.add("tools")
    shape = data.get("response_format")
    if shape is None and isinstance(text := data.get("text"), dict):
        shape = text.get("format")
    if isinstance(shape, dict) and shape.get("type") == "json_schema":
        needs.add("json_schema")
    messages = data.get("messages") or data.get("input")
    if isinstance(messages, list) and any(map(_shows_image, messages)):
        needs.add("images")
    return frozenset(needs) if needs else _NOTHING


def _shows_image(message: Any) -> bool:
    content = message.get("content") if isinstance(message, dict) else None
    return isinstance(content, list) and any(
        isinstance(part, dict) and part.get("type") in _IMAGES for part in content
    )


def with_model(body: bytes, model: str) -> bytes:
    """Return the body with its top-level ``model`` set to this name.

    Only the name's own bytes change: key order, spacing, number formats and fields we have never heard
    of stay as they are. A body without
    the key gets it in front.

    Parameters
    ----------
    body
        A JSON object that ``read`` accepted.
    model
        The name to put in.
    """
    name = orjson.dumps(model)
    spans = _values_of(body, b"model")
    if not spans:
        start = body.index(b"{") + 1
        rest = body[start:]
        comma = b"" if rest.lstrip().startswith(b"}") else b","
        return body[:start] + b'"model":' + name + comma + rest
    parts: list[bytes] = []
    end = 0
    for first, last in spans:
        parts += [body[end:first], name]
        end = last
    return b"".join([*parts, body[end:]])


def _values_of(body: bytes, wanted: bytes) -> list[tuple[int, int]]:
    """Find the spans of a top-level key's values; more than one where the key is repeated."""
    spans: list[tuple[int, int]] = []
    at = body.index(b"{") + 1
    while (key := _KEY.match(body, at)) is not None:
        start = key.end()
        end = _end_of_value(body, start)
        if orjson.loads(key[1]) == wanted.decode():
            spans.append((start, end))
        after = _NEXT.match(body, end)
        if after is None or after[1] == b"}":
            break
        at = after.end()
    return spans


def _end_of_value(body: bytes, at: int) -> int:
    """Return where the JSON value that starts here ends."""
    if body[at : at + 1] not in (b"{", b"["):
        match = _STRING.match(body, at) or _SCALAR.match(body, at)
        return match.end() if match else at
    depth = 0
    while True:
        char = body[at : at + 1]
        if char == b'"':
            string = _STRING.match(body, at)
            at = string.end() if string else len(body)
        elif char in (b"{", b"["):
            depth += 1
            at += 1
        elif char in (b"}", b"]"):
            depth -= 1
            at += 1
            if depth == 0:
                return at
        elif (skip := _SKIP.match(body, at)) is not None:
            at = skip.end()
        else:
            return at
