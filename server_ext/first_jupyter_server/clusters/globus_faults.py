"""What went wrong with Globus Compute, in a sentence for the person who asked."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["ComputeFault", "demanded", "explain", "garbled", "offline", "older"]

NOT_INSTALLED = "globus-compute-sdk is not installed beside Jupyter: pip install 'first-jupyter[compute]'"
FORGOTTEN = (
    "its task is over, and how it ended is forgotten: Globus Compute keeps results for half an hour, and the "
    "cluster its record for a day"
)
REFUSALS = {
    401: "Globus does not accept this login any more: log in again",
    403: "Globus does not let you use the endpoint {endpoint}: {message}",
    404: "Globus knows no endpoint {endpoint}: correct 'endpoint' in the federation file",
    413: "what was asked is larger than the 10 MB that Globus Compute takes: shorten the model's entry in "
    "the federation file",
    422: "the endpoint refused what it was asked for: {message}",
    429: "Globus Compute was asked more often than it allows: try again in a minute",
}
FORBIDDEN = re.compile(r"Function \S+ not (permitted|allowed) on endpoint")
LOST = re.compile(r"\b(ManagerLost|WorkerLost|BadStateException|JobEndsError)\b")


class ComputeFault(Exception):  # noqa: N818  # it is told as what befell a cluster
    """Something that Globus Compute did not do.

    Parameters
    ----------
    reason
        One sentence: what happened, and what to do now.
    passing
        Whether trying again later may help.
    ended
        Whether the task that was asked about has ended.
    lost
        Whether it ended because its job did.
    busy
        Whether the service was asked too often.
    """

    def __init__(
        self,
        reason: str,
        *,
        passing: bool = False,
        ended: bool = False,
        lost: bool = False,
        busy: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason, self.passing, self.ended, self.lost, self.busy = reason, passing, ended, lost, busy


def explain(error: BaseException, *, endpoint: str, function: str | None = None) -> ComputeFault:
    """Put an error of globus-sdk, globus-compute-sdk or a task into words; imports neither."""
    if isinstance(error, ComputeFault):
        return error
    said = {
        "ApiError": lambda: ComputeFault(error.message),  # type: ignore[attr-defined]
        "ImportError": lambda: ComputeFault(NOT_INSTALLED),
        "GlobusAPIError": lambda: _answered(error, endpoint, function),
        "NetworkError": lambda: ComputeFault(
            f"Globus Compute cannot be reached from here ({error})", passing=True
        ),
        "TaskExecutionFailed": lambda: _failed(str(getattr(error, "remote_data", error)), endpoint, function),
        "TimeoutError": lambda: ComputeFault(f"the endpoint {endpoint} does not answer", passing=True),
    }
    for kind in type(error).__mro__:
        if kind.__name__ in said:
            return said[kind.__name__]()
    return ComputeFault(f"Globus Compute: {type(error).__name__}: {error}")


def offline(endpoint: str) -> ComputeFault:
    """Say that nobody is at home."""
    return ComputeFault(
        f"the endpoint {endpoint} is offline: its agent on the cluster does not run; ask who looks after it "
        "to start it",
        passing=True,
    )


def demanded(sentence: str) -> ComputeFault:
    """Say what Globus wants of the person before it goes on."""
    return ComputeFault(f"{sentence.rstrip('.')} (`%first login`, or the button in JupyterLab)")


def older(endpoint: str) -> ComputeFault:
    """Say that the function that was called answers as another release's does."""
    return ComputeFault(
        f"the function that is called on the endpoint {endpoint} is of another release of first-jupyter: "
        "have this one's registered (first-remote register), and correct 'function' in the federation file"
    )


def garbled(endpoint: str, error: Exception) -> ComputeFault:
    """Say that what came back is nothing that our functions return."""
    return ComputeFault(
        f"what the endpoint {endpoint} returned of its replicas is unreadable ({error}): find out what runs "
        "there in our function's place, and who may change it",
        passing=True,
    )


def _answered(error: Any, endpoint: str, function: str | None) -> ComputeFault:
    """Explain an answer of the web service."""
    status, code, message = error.http_status, error.code or "", error.message or ""
    if "FUNCTION_NOT_PERMITTED" in code:
        return _not_allowed(endpoint, function)
    if "TASK_NOT_FOUND" in code:
        return ComputeFault(FORGOTTEN, ended=True)
    if "FUNCTION_NOT_FOUND" in code:
        reason = (
            f"Globus knows no function {function}: correct 'function' in the federation file, or take it out"
        )
    elif status >= 500:
        reason = f"Globus Compute is out of order at the moment ({status})"
    else:
        reason = REFUSALS.get(status, "Globus Compute refused: {message}")
    return ComputeFault(
        reason.format(endpoint=endpoint, message=message),
        passing=status == 429 or status >= 500,
        busy=status == 429,
    )


def _failed(trace: str, endpoint: str, function: str | None) -> ComputeFault:
    """Explain how a task ended."""
    if FORBIDDEN.search(trace):
        return _not_allowed(endpoint, function)
    if LOST.search(trace):
        return ComputeFault(
            "its job ended under it: it was cancelled, its time was up, or the node failed",
            ended=True,
            lost=True,
        )
    lines = [line.strip() for line in trace.splitlines() if line.strip()]
    last = next((line for line in reversed(lines) if not set(line) <= set("-=^~ ")), "without a word")
    return ComputeFault(f"its task failed on the cluster: {last[:300]}", ended=True)


def _not_allowed(endpoint: str, function: str | None) -> ComputeFault:
    return ComputeFault(
        f"the endpoint {endpoint} does not allow first-jupyter's function {function}: ask its administrator "
        "to add it to allowed_functions, or set 'function' in the federation file to the one that it allows",
        ended=True,
    )
