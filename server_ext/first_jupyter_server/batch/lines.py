"""One line of a batch's input: read, or what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

__all__ = ["ENDPOINTS", "MAX_LINE", "LineError", "Request", "Row", "read", "row"]

ENDPOINTS = ("/v1/chat/completions", "/v1/completions", "/v1/embeddings")

MAX_LINE = 32 * 2**20
"""Bytes of the longest line."""

MAX_ID = 512
"""Characters of the longest ``custom_id``."""


class LineError(Exception):
    """A line that is no request.

    Parameters
    ----------
    code, message, param
        As in OpenAI's ``errors``; the message names the remedy.
    """

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.param = code, message, param


class Request(NamedTuple):
    """What a line asks for; ``model`` is empty where it names none."""

    custom_id: str
    model: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One request of a batch.

    Parameters
    ----------
    number
        Its line, counted from 1.
    """

    number: int
    custom_id: str
    body: bytes


def row(line: bytes, number: int) -> Row:
    """Return the row of a line that was found valid."""
    data = orjson.loads(line)
    return Row(number, data["custom_id"], orjson.dumps(data["body"]))


def read(line: bytes, endpoint: str) -> Request:
    """Read a line.

    Parameters
    ----------
    line
        Its bytes.
    endpoint
        The batch's endpoint, such as ``/v1/chat/completions``.

    Raises
    ------
    LineError
        Where it is no request for that endpoint.
    """
    if len(line) > MAX_LINE:
        size = f"{len(line) / 2**20:.0f} MB; at most {MAX_LINE // 2**20} MB are accepted"
        raise LineError("line_too_large", f"This line is {size}.")
    try:
        data = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise LineError("invalid_json_line", _not_json(line, error)) from None
    if not isinstance(data, dict):
        kind = type(data).__name__
        raise LineError("invalid_json_line", f"Each line must be a JSON object, not {kind}.")
    custom_id = _text(data, "custom_id")
    if len(custom_id) > MAX_ID:
        raise LineError("invalid_custom_id", f"'custom_id' has more than {MAX_ID} characters.", "custom_id")
    if (method := _text(data, "method")) != "POST":
        raise LineError("invalid_method", f"'method' must be POST, not {method!r}.", "method")
    if (url := _text(data, "url")) != endpoint:
        raise LineError("invalid_url", f"'url' must be the batch's endpoint {endpoint}, not {url!r}.", "url")
    return Request(custom_id, *_body(data))


def _body(data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    body = data.get("body")
    if not isinstance(body, dict):
        raise LineError("invalid_body", "'body' must be a JSON object: the request's parameters.", "body")
    if body.get("stream"):
        raise LineError("invalid_body", "A batch's answers do not stream; leave 'stream' out.", "body.stream")
    model = body.get("model") or ""
    if not isinstance(model, str):
        raise LineError("invalid_body", "'model' must be a string.", "body.model")
    return model, body


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    if value is None or value == "":
        raise LineError("missing_required_parameter", f"'{name}' is missing.", name)
    if not isinstance(value, str):
        raise LineError("invalid_type", f"'{name}' must be a string, not {type(value).__name__}.", name)
    return value


def _not_json(line: bytes, error: orjson.JSONDecodeError) -> str:
    cut = line[:1] == b"{" and not line.rstrip().endswith(b"}")
    hint = " It seems to be cut off." if cut else ""
    return f"This line is not valid JSON: {error}.{hint}"
