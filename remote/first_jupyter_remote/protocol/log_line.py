"""One line of a log in JSON: the same fields in Jupyter's log and in that of a replica."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["log_line", "message_of"]


def log_line(at: float, level: str, logger: str, message: str, fields: Mapping[str, Any]) -> str:
    """Return one line, without its end.

    Parameters
    ----------
    at
        The moment, in seconds since the epoch; written in UTC (RFC 3339).
    level, logger
        As Python's logging has them.
    message
        What a person reads.
    fields
        What more is known, such as ``request_id``; what is None is left out.
    """
    time = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    known = {name: value for name, value in fields.items() if value is not None}
    line = {"time": time, "level": level, "logger": logger, "message": message, **known}
    return json.dumps(line, ensure_ascii=False, default=str)


def message_of(line: str) -> str:
    """Return what a person reads of a line, which may be in JSON."""
    if line.startswith('{"time": '):
        try:
            return str(json.loads(line)["message"])
        except (ValueError, KeyError):  # cut short, as the last line before a crash may be
            return line
    return line
