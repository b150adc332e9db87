"""Which headers travel: to a replica, back to the client, and which are meant for the data plane itself."""

from __future__ import annotations

import hmac
import re
from functools import lru_cache
from random import getrandbits
from typing import TYPE_CHECKING

from first_jupyter_server.errors import ApiError
from first_jupyter_server.federation.wishes import Wishes, check_clusters

if TYPE_CHECKING:
    from collections.abc import Collection

    from first_jupyter_server.federation.catalog import Replica
    from first_jupyter_server.federation.router import Route

    from .request import Request

__all__ = [
    "Headers",
    "batch_of",
    "for_client",
    "for_replica",
    "of_wishes",
    "request_id",
    "wait_of",
    "wishes_of",
]

Headers = list[tuple[bytes, bytes]]
"""Names in lower case, and values."""

_NOT_FORWARDED = {
    *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer"),
    *(b"transfer-encoding", b"upgrade", b"content-length", b"host", b"authorization", b"cookie", b"expect"),
    *(b"accept-encoding", b"x-first-wait", b"x-first-avoid", b"x-first-prefer", b"x-first-stay"),
    *(b"x-request-id", b"x-xsrftoken", b"x-first-batch", b"x-first-batch-key"),
}
"""Hop-by-hop headers (RFC 9110, section 7.6.1), those made anew, and those meant for us alone."""

_RETURNED = {
    *(b"content-type", b"content-encoding", b"cache-control"),
    *(b"retry-after", b"retry-after-ms", b"x-should-retry"),
}
_BY_PREFIX = (b"openai-", b"x-ratelimit-", b"x-litellm-", b"x-vllm-")
"""What a client of OpenAI's understands. On Jupyter's port all else would be Jupyter's own word to a browser:
cookies, which pages may read it, where to go instead."""


_REQUEST_ID = re.compile(rb"[!-~]{1,128}")
"""Ids that are taken as they are: what is longer or cannot be seen has no place in a log."""

_WISHES = (b"x-first-avoid", b"x-first-prefer", b"x-first-stay")
_NO_WISHES = Wishes()


def request_id(request: Request) -> str:
    """Return the client's own id for a request, or a new one."""
    stated = request.headers.get(b"x-request-id")
    if stated is not None and _REQUEST_ID.fullmatch(stated):
        return stated.decode("ascii")
    return f"req-{getrandbits(128):032x}"


def batch_of(request: Request, key: str) -> str:
    """Return the batch that a request is a row of; nothing where the process of batches did not send it."""
    stated = request.headers.get(b"x-first-batch-key")
    if stated is None or not key or not hmac.compare_digest(stated, key.encode()):
        return ""
    return request.headers.get(b"x-first-batch", b"").decode("latin-1")


def wait_of(request: Request) -> float | None:
    """Return how many seconds the client wants to wait for a model; None for as long as it takes.

    Raises
    ------
    ApiError
        400 where ``x-first-wait`` is no number of seconds.
    """
    stated = request.headers.get(b"x-first-wait")
    if stated is None:
        return None
    try:
        wait = float(stated)
    except ValueError:
        wait = -1.0
    if not 0.0 <= wait < float("inf"):
        message = (
            f"x-first-wait must be a number of seconds, such as 0 or 30, not {stated.decode('latin-1')!r}."
        )
        raise ApiError(400, message, code="invalid_header", param="x-first-wait")
    return wait


def wishes_of(request: Request, known: Collection[str]) -> Wishes:
    """Return where a request may be served, as its headers say.

    Parameters
    ----------
    request
        The client's request.
    known
        The clusters there are.

    Raises
    ------
    ApiError
        400 where a header names a cluster that there is not.
    """
    if request.headers.keys().isdisjoint(_WISHES):
        return _NO_WISHES
    avoid, prefer, stay = (_clusters(request, name, known) for name in _WISHES)
    return Wishes(avoid=avoid or frozenset(), prefer=prefer or frozenset(), stay=stay)


def of_wishes(wishes: Wishes) -> Headers:
    """Return the headers that say where a request may be served."""
    stated = zip(_WISHES, (wishes.avoid, wishes.prefer, wishes.stay), strict=True)
    return [
        (name, ", ".join(sorted(clusters)).encode("latin-1", "replace"))
        for name, clusters in stated
        if clusters or (clusters is not None and name == b"x-first-stay")
    ]


def _clusters(request: Request, header: bytes, known: Collection[str]) -> frozenset[str] | None:
    stated = request.headers.get(header)
    if stated is None:
        return None
    names = frozenset(filter(None, (name.strip() for name in stated.decode("latin-1").split(","))))
    check_clusters(names, known, header.decode())
    return names


def for_replica(request: Request, replica: Replica) -> Headers:
    """Return the headers that a replica gets besides the request's id: the client's own ones, and its key."""
    headers = [(name, value) for name, value in request.headers.items() if name not in _NOT_FORWARDED]
    if replica.key is not None:
        headers.append((b"authorization", b"Bearer " + replica.key.encode()))
    return headers


def for_client(headers: Headers, route: Route | None) -> Headers:
    """Return the headers that the client gets: what it understands of the replica's, and who served."""
    kept = [header for header in headers if header[0] in _RETURNED or header[0].startswith(_BY_PREFIX)]
    if route is not None:
        kept += _served_by(route.place.cluster, route.replica.id, route.replica.path)
    return kept


@lru_cache(1_024)
def _served_by(cluster: str, replica: str, path: str) -> Headers:
    return [
        (b"x-first-cluster", cluster.encode("latin-1", "replace")),
        (b"x-first-replica", replica.encode("latin-1", "replace")),
        (b"x-first-route", path.encode()),
    ]
