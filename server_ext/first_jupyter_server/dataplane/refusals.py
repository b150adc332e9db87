"""Why a request could not be served, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from first_jupyter_server.errors import ApiError

if TYPE_CHECKING:
    from first_jupyter_server.federation.catalog import Place

__all__ = [
    "CUT_SHORT",
    "breaks_replicas",
    "cut_short",
    "did_not_start",
    "exhausted",
    "not_hot",
    "nowhere",
    "out_of_reach",
    "overloaded",
    "progress",
    "refused",
]

CUT_SHORT = "answer_cut_short"
"""The code of an answer that has begun and has no end."""

_UNKNOWN_WAIT = 10.0
"""Seconds after which to try again where nobody knows how long a start takes."""


def progress(place: Place) -> str:
    """Say where a model stands, in words."""
    share = "" if place.progress is None else f" {place.progress:.0%}"
    reason = f" ({place.reason}{share})" if place.reason else ""
    eta = "" if place.eta is None else f", about {place.eta:.0f} s left"
    return f"{place.state} on {place.cluster}{reason}{eta}"


def refused(body: bytes) -> ApiError:
    """Turn a replica's refusal into an error event, for a stream that has already begun."""
    try:
        error = orjson.loads(body)["error"]
        message = error["message"] if isinstance(error, dict) else str(error)
    except (orjson.JSONDecodeError, KeyError, TypeError):
        message = body[:500].decode("utf-8", "replace") or "it gave no reason"
    return ApiError(
        502, f"The model's server refused the request: {message}", kind="server_error", code="refused"
    )


def cut_short(what: str, why: str = "") -> ApiError:
    """Say that an answer ends here, what happened, and why no other replica goes on with it."""
    because = f", and no other could go on with it: {why.rstrip('.')}" if why else ""
    message = f"The answer is incomplete: {what}{because}. Ask again for a whole one."
    return ApiError(502, message, kind="server_error", code=CUT_SHORT)


def breaks_replicas(model: str, cluster: str, times: int) -> ApiError:
    """Say that one replica after the other broke off at this request."""
    message = (
        f"{model}'s server on {cluster} broke off {times} times before it answered, so this request may be "
        "what breaks it. Try a smaller one, or look at the replica's log."
    )
    return ApiError(502, message, kind="server_error", code="replica_lost", final=True)


def not_hot(model: str, place: Place) -> ApiError:
    """Say that a model is not ready yet, and when to come back."""
    message = (
        f"{model} is {progress(place)}. It is being started: try again then, or leave the header "
        "x-first-wait out to wait for it."
    )
    retry_after = _UNKNOWN_WAIT if place.eta is None else place.eta
    return ApiError(503, message, kind="service_unavailable", code="model_not_ready", retry_after=retry_after)


def did_not_start(model: str, place: Place, *, again: bool = False) -> ApiError:
    """Say that a start has failed, perhaps the second one, and why."""
    nor = ", nor when it was started again" if again else ""
    message = f"{model} on {place.cluster} did not become ready{nor}: {place.reason}"
    return ApiError(503, message, kind="service_unavailable", code="model_not_ready", final=True)


def nowhere(sentence: str) -> ApiError:
    """Say that what the request wishes leaves no place to serve it."""
    message = (
        f"{sentence} Ask for less (x-first-stay or `--stay`, `%first route`, the model's "
        "@cluster), or another model."
    )
    return ApiError(400, message, code="no_cluster_fits")


def out_of_reach(sentence: str) -> ApiError:
    """Say that nobody can be reached now who could serve the request."""
    message = f"{sentence} Try again then, or leave the header x-first-wait out to wait."
    return ApiError(
        503, message, kind="service_unavailable", code="model_out_of_reach", retry_after=_UNKNOWN_WAIT
    )


def exhausted(model: str, tries: int) -> ApiError:
    """Say that no server wanted the request."""
    message = (
        f"{model} was asked for on {tries} servers, and none of them answered. `%first why` tells of each."
    )
    return ApiError(503, message, kind="service_unavailable", code="no_server_answered", final=True)


def overloaded(model: str, wait: float, longest: float = 0.0) -> ApiError:
    """Say that the line for a model is too long, and when it will be short enough.

    Parameters
    ----------
    model
        Its id.
    wait, longest
        Seconds that the request would wait in line, and those that it may.
    """
    message = (
        f"{model} has more requests than it can answer now: this one would wait about {wait:.0f} s in line. "
        "Try again later, or start it on one more cluster."
    )
    later = max(1.0, wait - longest)
    return ApiError(429, message, kind="rate_limit_error", code="overloaded", retry_after=later)
