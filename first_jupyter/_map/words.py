"""What is said of a batch while it runs and when it has ended; pure functions of the batch object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from first_jupyter._stage import eta_text, span_text

if TYPE_CHECKING:
    from first_jupyter._map.answers import Answered

__all__ = ["ending", "figures", "heading", "share"]

Json = dict[str, Any]

STATUSES = {
    "validating": "reading the rows",
    "finalizing": "writing the answers down",
    "cancelling": "stopped",
    "cancelled": "stopped",
    "expired": "out of time",
    "failed": "refused",
}


def share(batch: Json) -> float | None:
    """Tell how much of a batch is done, 0 to 1; None where its rows are not counted yet."""
    counts = batch["request_counts"]
    return (counts["completed"] + counts["failed"]) / counts["total"] if counts["total"] else None


def heading(batch: Json) -> str:
    """Say how far a batch is: ``412 of 10,000 rows, 3 failed``."""
    counts, status = batch["request_counts"], STATUSES.get(batch["status"], "")
    if not counts["total"]:
        return status
    failed = f"{counts['failed']:,} failed" if counts["failed"] else ""
    return ", ".join(filter(None, [f"{counts['completed']:,} of {counts['total']:,} rows", failed, status]))


def figures(batch: Json) -> str:
    """Say how fast it goes, how long it will take, and where it runs."""
    first = batch.get("first") or {}
    rate, eta, clusters = first.get("rate"), first.get("eta"), first.get("clusters") or {}
    parts = [
        f"{rate:,.{0 if rate >= 10 else 1}f} rows/s" if rate else "",
        eta_text(eta) if rate and eta is not None else "",
        f"on {_places(clusters)}" if clusters else "",
        first.get("reason") or "",
    ]
    return " · ".join(part for part in parts if part)


def ending(batch: Json, answered: Answered, spent: int | None) -> str:
    """Say how a batch ended, what it took, and what to do about rows without an answer.

    Parameters
    ----------
    answered
        Its answers.
    spent
        The tokens that it was allowed, if they are used up.
    """
    rows = len(answered.rows)
    if answered.failures and not answered.count and batch.get("status") == "completed":
        return f"None of the {rows:,} rows has an answer. Row {_first_failure(answered)}"
    parts = [f"{answered.count:,} of {rows:,} rows answered"]
    usage = batch.get("usage") or {}
    if tokens := usage.get("total_tokens"):
        parts[0] += f" with {tokens:,} tokens"
    begun, ended = batch.get("in_progress_at"), batch.get("completed_at")
    if begun and ended and ended > begun:
        parts[0] += f" in {span_text(ended - begun)}"
    if clusters := (batch.get("first") or {}).get("clusters"):
        parts[0] += f" on {_places(clusters)}"
    rest = rows - answered.count - len(answered.failures)
    if spent is not None:
        parts.append(f"max_cost={spent:,} is used up; the same call with a higher one asks the rest")
    elif rest:
        what = STATUSES.get(batch.get("status", ""), "ended")
        parts.append(f"{rest:,} were not asked, since the batch was {what}; the same call asks them")
    if answered.failures:
        parts.append(
            f"{len(answered.failures):,} failed; .attrs['failures'] has the reasons. "
            f"Row {_first_failure(answered).rstrip('.')}"
        )
    return ". ".join(parts) + "."


def _first_failure(answered: Answered) -> str:
    number = min(answered.failures)
    return f"{number}: {answered.failures[number]}"


def _places(clusters: Json) -> str:
    if len(clusters) == 1:
        return str(next(iter(clusters)))
    return ", ".join(f"{name} ({count:,})" for name, count in clusters.items())
