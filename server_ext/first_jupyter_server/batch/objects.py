"""Files and batches as OpenAI's clients know them; plain values."""

from __future__ import annotations

import secrets
import time
from typing import Any

__all__ = ["ENDED", "UNFINISHED", "Json", "batch", "counts_of", "file", "new_batch", "new_id", "page"]

Json = dict[str, Any]

UNFINISHED = ("validating", "in_progress", "finalizing", "cancelling")
"""Statuses in which there is something left to do."""

ENDED = ("completed", "failed", "expired", "cancelled")

_TIMES = (
    *("in_progress_at", "finalizing_at", "completed_at", "failed_at", "expired_at"),
    *("cancelling_at", "cancelled_at", "expires_at"),
)
_FIRST = {"rate": None, "eta": None, "reason": None, "replicas": None, "running": 0}
_COUNTS = {"total": 0, "completed": 0, "failed": 0}


def new_id(kind: str) -> str:
    """Make an id that nothing else has: ``file-…`` or ``batch_…``."""
    return f"{kind}{'_' if kind == 'batch' else '-'}{secrets.token_hex(12)}"


def file(name: str, size: int, purpose: str, identity: str) -> Json:
    """Return a new file object."""
    return {
        "id": identity,
        "object": "file",
        "bytes": size,
        "created_at": int(time.time()),
        "expires_at": None,
        "filename": name,
        "purpose": purpose,
        "status": "processed",
        "status_details": None,
    }


def new_batch(
    endpoint: str, input_file: str, window: tuple[str, float], metadata: Json | None, first: Json
) -> Json:
    """Return a new batch object.

    Parameters
    ----------
    window
        How it was written, and the seconds that it means.
    first
        What we know besides: how many replicas it wants, where its rows may go.
    """
    now = int(time.time())
    return {
        "id": new_id("batch"),
        "endpoint": endpoint,
        "input_file_id": input_file,
        "completion_window": window[0],
        "status": "validating",
        "created_at": now,
        "expires_at": now + int(window[1]),
        "metadata": metadata,
        "first": first,
    }


def counts_of(kept: Json) -> Json:
    """Return how many requests a batch has, and how many are done."""
    return {**_COUNTS, **kept.get("request_counts", {})}


def batch(kept: Json) -> Json:
    """Return a batch object with all of OpenAI's keys; what is kept has none that are null."""
    none = dict.fromkeys(("errors", "output_file_id", "error_file_id", "model", "usage", "metadata", *_TIMES))
    whole = {"object": "batch", **none, **kept}
    whole["request_counts"] = counts_of(kept)
    whole["first"] = {**_FIRST, "clusters": {}, **kept.get("first", {})}
    return whole


def page(objects: list[Json], limit: int) -> Json:
    """Return one page of a list; it was asked for one more than its limit, to know whether there are more."""
    shown = objects[:limit]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": len(objects) > limit,
    }
