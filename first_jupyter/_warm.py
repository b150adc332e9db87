"""How long a model is kept warm: as it is typed after ``%first start``, and as the catalog tells it."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any

from first_jupyter._errors import FirstError

__all__ = ["Wish", "clock", "kept_text", "lease_text", "wish"]

Json = dict[str, Any]

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
TIME = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
FORMS = {
    "start": "%first start [MODEL] [--for 2h] [--on CLUSTER]",
    "stop": "%first stop [MODEL] [--on CLUSTER]",
    "log": "%first log [MODEL] [--on CLUSTER]",
}
OPTIONS = {"start": ("--for", "--on"), "stop": ("--on",), "log": ("--on",)}
A_DAY = 86400.0


@dataclass(frozen=True)
class Wish:
    """What is to be started or stopped.

    Parameters
    ----------
    model
        An id or alias, or nothing for the current choice.
    cluster
        Where; nothing leaves that open.
    span
        How long it is to be kept, as it was typed.
    hold
        The same in seconds.
    """

    model: str = ""
    cluster: str = ""
    span: str = ""
    hold: float | None = None


def wish(command: str, argument: str) -> Wish:
    """Read what stands behind ``%first start``, ``%first stop`` or ``%first log``.

    Raises
    ------
    FirstError
        With the right form.
    """
    words = re.sub(r"(?<!\S)(--\w+)=", r"\1 ", argument).split()
    names, given = [], dict[str, str]()
    while words:
        word = words.pop(0)
        if not word.startswith("-"):
            names.append(word)
        elif word not in OPTIONS[command] or word in given or not words or words[0].startswith("-"):
            raise _wrong(command, f"it cannot take {word} so")
        else:
            given[word] = words.pop(0)
    if len(names) > 1:
        raise _wrong(command, f"it takes one model, not {', '.join(names)}")
    model, _, pinned = "".join(names).partition("@")
    cluster = given.get("--on", pinned)
    if pinned not in ("", cluster):
        raise _wrong(command, f"it takes one cluster, not {pinned} and {cluster}")
    span = given.get("--for", "")
    return Wish(model, cluster, span, _seconds(command, span) if span else None)


def kept_text(place: Json, now: float | None = None) -> str:
    """Say until when a hot model is kept, by the replica that is kept longest; nothing where that is open.

    A hold outlasts the replica's job, since a successor takes it over; else a job that ends first is told.
    """
    now = time.time() if now is None else now
    ready = [lease for lease in place.get("leases") or [] if lease.get("stage") == "ready"]
    said = [_kept(lease, now) for lease in ready]
    if not said or any(not text for _, text in said):
        return ""
    return max(said)[1]


def lease_text(lease: Json, now: float) -> str:
    """Say until when one ready replica is kept; nothing where that is open."""
    return _kept(lease, now)[1]


def _kept(lease: Json, now: float) -> tuple[float, str]:
    held, expires, job_ends = (lease.get(name) for name in ("held_until", "expires", "job_ends"))
    if held is not None and held > now and (expires is None or held >= expires):
        return held, f"held until {clock(held, now)}"
    if job_ends is not None and (expires is None or job_ends <= expires):
        return job_ends, f"ends with its job at {clock(job_ends, now)}"
    if expires is not None:
        return expires, f"until {clock(expires, now)} if unused"
    return float("inf"), ""


def clock(moment: float, now: float) -> str:
    """Write a moment as a time of day, with its day where that is not today's."""
    there, here = time.localtime(moment), time.localtime(now)
    if there[:3] == here[:3]:
        return time.strftime("%H:%M", there)
    return time.strftime("%a %H:%M" if moment - now < 6 * A_DAY else "%Y-%m-%d %H:%M", there)


def _seconds(command: str, span: str) -> float:
    if (match := TIME.fullmatch(span)) is None or not float(match[1]):
        raise _wrong(command, f"--for takes a time such as 90s, 30m, 2h or 1d, not {span}")
    return float(match[1]) * UNITS[match[2]]


def _wrong(command: str, fault: str) -> FirstError:
    return FirstError(f"`{FORMS[command]}`: {fault}.")
