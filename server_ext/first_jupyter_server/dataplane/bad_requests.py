"""What a client is told whose request is too large, comes too slowly, or is none."""

from __future__ import annotations

from first_jupyter_server.errors import ApiError

from .crowd import PATIENCE

__all__ = [
    "MAX_HEAD",
    "MAX_PIPELINED",
    "body_too_large",
    "head_too_large",
    "invalid",
    "too_many",
    "too_slow",
]

MAX_HEAD = 65_536
"""Bytes of request line and headers that are accepted, and of what says nothing between pieces of a body."""

MAX_PIPELINED = 16
"""Requests that are kept while one is being answered."""


def invalid(reason: str) -> ApiError:
    """Say what is wrong with it as HTTP."""
    return ApiError(400, f"This is not a valid HTTP/1.1 request: {reason}", code="bad_request")


def head_too_large() -> ApiError:
    """Say how large a head may be."""
    return ApiError(431, f"The headers are larger than {MAX_HEAD} bytes.", code="headers_too_large")


def body_too_large(size: int, most: int) -> ApiError:
    """Say how large a body may be, and who can change that; both in bytes."""
    message = (
        f"The body is at least {size / 2**20:.0f} MB; at most {most / 2**20:.0f} MB are accepted. Send less "
        "in one request, or have the limit raised (FirstApp.max_body)."
    )
    return ApiError(413, message, code="body_too_large")


def too_many() -> ApiError:
    """Say how many requests may wait for their answers on one connection."""
    message = f"More than {MAX_PIPELINED} requests were sent without waiting for an answer."
    return ApiError(400, message, code="pipelined")


def too_slow(awaited: str) -> ApiError:
    """Say that a head or a body was not waited for any longer."""
    message = f"The {awaited} of the request did not come on for {PATIENCE:.0f} seconds."
    return ApiError(408, message, code="request_timeout")
