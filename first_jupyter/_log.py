"""``%first log``: how a model's last replica failed, and what its log said last."""

from __future__ import annotations

import time
from typing import Any

__all__ = ["failure_text"]


def failure_text(failure: dict[str, Any]) -> str:
    """Write a failure as the control API tells it: what, where, why, and the end of the log."""
    at = time.strftime("%H:%M:%S", time.localtime(failure["at"]))
    where = f" on {failure['node']}" if failure["node"] else ""
    head = f"{failure['model']} on {failure['cluster']} failed at {at}: {failure['reason']}"
    if not failure["lines"]:
        return f"{head}\nNo log of replica {failure['replica']}{where} came here."
    whole = f"Replica {failure['replica']}{where}, whose whole log is {failure['file']}, said last:"
    return "\n".join([head, whole, "", *failure["lines"]])
