"""What comes of one try at a row: its line in an output, or a reason to try again; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from first_jupyter_server.dataplane.passed import tokens

from .lines import Row
from .rows import Result

__all__ = ["Fault", "failed", "read", "undone"]

ELSEWHERE = frozenset(
    (
        *("invalid_api_key", "model_not_found", "model_not_allowed", "unknown_cluster", "no_cluster_fits"),
        *("model_not_ready", "model_out_of_reach", "no_server_answered", "overloaded", "budget_spent"),
    )
)
"""Codes of refusals that say nothing of the row: the same would be told of any other one."""

PASSING = frozenset((401, 403, 404, 408, 409, 425, 429, 503))
"""Statuses that do not."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row was not answered, and may be another time.

    Parameters
    ----------
    reason
        What happened, in a sentence.
    own
        Whether it may be the row's own fault.
    breaks
        Whether replicas went away while they had it, so that it is to be tried with no other such row.
    status, request_id, body
        What its line in the file of errors says in the end; no status where there was no answer.
    """

    reason: str
    own: bool
    breaks: bool = False
    status: int = 0
    request_id: str = ""
    body: bytes = b""


def read(row: Row, batch: str, status: int, headers: dict[bytes, bytes], body: bytes) -> Result | Fault:
    """Return the result of an answer, or why there is to be another try."""
    request_id = headers.get(b"x-request-id", b"").decode("latin-1")
    cluster = headers.get(b"x-first-cluster", b"").decode("latin-1")
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        said = None
        body = orjson.dumps(body[:2_000].decode("utf-8", "replace"))
    if b"\n" in body:
        body = orjson.dumps(said)
    if status == 200 and isinstance(said, dict):
        usage = said.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        prompt, completion = (tokens(usage.get(f"{kind}_tokens")) or 0 for kind in ("prompt", "completion"))
        line = _line(row, batch, status, request_id, body)
        return Result(row.number, True, prompt, completion, cluster, line)
    error = said.get("error") if isinstance(said, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    reason = _reason(error, status)
    if status in PASSING or code in ELSEWHERE:
        return Fault(reason, False, False, status, request_id, body)
    if status >= 500 or status == 200:
        return Fault(reason, True, code == "replica_lost", status, request_id, body)
    return Result(row.number, False, 0, 0, "", _line(row, batch, status, request_id, body))


def failed(row: Row, batch: str, fault: Fault) -> Result:
    """Return the result of a row that was tried often enough."""
    if fault.status:
        line = _line(row, batch, fault.status, fault.request_id, fault.body)
    else:
        line = undone(row.number, row.custom_id, batch, "request_failed", fault.reason)
    return Result(row.number, False, 0, 0, "", line)


def undone(number: int, custom_id: str, batch: str, code: str, message: str) -> bytes:
    """Return the line of a row that has no answer, with its reason."""
    return orjson.dumps(
        {
            "id": _id(batch, number),
            "custom_id": custom_id,
            "response": None,
            "error": {"code": code, "message": message},
        }
    )


def _line(row: Row, batch: str, status: int, request_id: str, body: bytes) -> bytes:
    # Put together rather than written anew: the answer's body stays as it came.
    who = b'{"id":%b,"custom_id":%b' % (orjson.dumps(_id(batch, row.number)), orjson.dumps(row.custom_id))
    said = b'{"status_code":%d,"request_id":%b,"body":%b}' % (status, orjson.dumps(request_id), body.strip())
    return who + b',"response":' + said + b',"error":null}'


def _id(batch: str, number: int) -> str:
    return f"batch_req_{batch.removeprefix('batch_')}_{number}"


def _reason(error: Any, status: int) -> str:
    if isinstance(error, dict) and isinstance(message := error.get("message"), str):
        return message
    if isinstance(error, str):
        return error
    return f"The model's server answered with status {status} and no valid body."
