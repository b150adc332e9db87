"""``%first log``: the end of a replica's log, of one that runs or of the last one that failed."""

from __future__ import annotations

import time
from typing import Any

__all__ = ["log_text"]


def log_text(log: dict[str, Any]) -> str:
    """Write the end of a log as the control API tells it: whose, why it failed if it did, and the lines."""
    at = time.strftime("%H:%M:%S", time.localtime(log["at"]))
    where = f" on {log['node']}" if log["node"] else ""
    head = f"{log['model']} on {log['cluster']} "
    head += f"failed at {at}: {log['reason']}" if log["reason"] else "runs"
    if not log["lines"]:
        none = "came here" if log["reason"] else "is there yet"
        return f"{head}\nNo log of replica {log['replica']}{where} {none}."
    whole = f"Replica {log['replica']}{where}, whose whole log is {log['file']}, said last:"
    return "\n".join([head, whole, "", *log["lines"]])
