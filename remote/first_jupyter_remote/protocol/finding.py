"""What one check of a doctor's found; the cluster's side and the server's tell it alike."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Finding", "Status", "fail", "ok", "warn"]


class Status(StrEnum):
    """How it stands: fine, worth a look, or in the way."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, and what to do about it."""

    status: Status
    found: str
    remedy: str = ""


def ok(found: str) -> Finding:
    """Return that all is well."""
    return Finding(Status.OK, found)


def warn(found: str, remedy: str) -> Finding:
    """Return that somebody should look."""
    return Finding(Status.WARN, found, remedy)


def fail(found: str, remedy: str) -> Finding:
    """Return that it cannot work like this."""
    return Finding(Status.FAIL, found, remedy)
