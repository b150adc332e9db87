"""Errors as OpenAI's clients expect them: one JSON shape whose message names the thing and the remedy."""

from __future__ import annotations

from typing import Any

import orjson

__all__ = ["ApiError"]


class ApiError(Exception):
    """A request that cannot be served.

    Parameters
    ----------
    status
        The HTTP status.
    message
        What happened and what to do now, for a person.
    kind
        OpenAI's ``type``, such as ``invalid_request_error``.
    code
        A short machine-readable name of the cause.
    param
        The request's field that is at fault, if one is.
    retry_after
        Seconds after which trying again makes sense, if waiting helps.
    final
        Whether OpenAI's clients are told not to try again by themselves: all that makes sense has been tried.

    Notes
    -----
    The shape is the one of https://platform.openai.com/docs/guides/error-codes.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
        final: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.code = code
        self.param = param
        self.retry_after = retry_after
        self.final = final

    def to_json(self) -> dict[str, Any]:
        """Return the body as plain values."""
        error = {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}
        return {"error": error}

    def body(self) -> bytes:
        """Return the body of the HTTP answer."""
        return orjson.dumps(self.to_json())

    def event(self) -> bytes:
        """Return the same as a server-sent event, for a stream that has begun."""
        return b"data: " + self.body() + b"\n\n"

    def headers(self) -> dict[str, str]:
        """Return the headers that belong to the answer."""
        headers = {"x-should-retry": "false"} if self.final else {}
        if self.retry_after is not None:
            headers["Retry-After"] = str(max(1, round(self.retry_after)))
        return headers
