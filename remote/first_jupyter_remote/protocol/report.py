"""Runs checks side by side, and shows what they found."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from .finding import Finding, Status, fail

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["as_json", "as_table", "examine", "show"]

T = TypeVar("T")


def examine(checks: Mapping[str, Callable[[T], Finding]], subject: T) -> dict[str, Finding]:
    """Return what each check found; they run side by side, because some wait for the network."""

    def one(check: Callable[[T], Finding]) -> Finding:
        try:
            return check(subject)
        except Exception as error:  # noqa: BLE001  (one check that stumbles must not hide the others)
            return fail(f"the check itself failed: {type(error).__name__}: {error}", "Please report this.")

    with ThreadPoolExecutor(len(checks)) as pool:
        return dict(zip(checks, pool.map(one, checks.values()), strict=True))


def show(findings: dict[str, Finding], in_json: bool) -> int:
    """Print the findings, and return the command's exit status: 1 where one failed."""
    text = as_json(findings) if in_json else as_table(findings, shutil.get_terminal_size().columns)
    sys.stdout.write(text)
    return 1 if any(finding.status is Status.FAIL for finding in findings.values()) else 0


def as_json(findings: dict[str, Finding]) -> str:
    """Return the findings as JSON."""
    rows = [
        {"check": name, "status": finding.status, "found": finding.found, "remedy": finding.remedy}
        for name, finding in findings.items()
    ]
    return json.dumps(rows, indent=2) + "\n"


def as_table(findings: dict[str, Finding], width: int) -> str:
    """Return the findings for a terminal, each remedy below what it is for."""
    name_width = max(map(len, findings))
    margin = " " * (name_width + 8)
    lines = []
    for name, finding in findings.items():
        head = f"{finding.status:4}  {name:{name_width}}  "
        text = textwrap.wrap(finding.found, max(30, width - len(head)), break_on_hyphens=False) or [""]
        lines += [head + text[0], *(margin + more for more in text[1:])]
        # A remedy may be a command to copy, so it is not broken.
        lines += [f"{margin}-> {finding.remedy}"] if finding.remedy else []
    counts = {status: sum(finding.status is status for finding in findings.values()) for status in Status}
    lines.append(", ".join(f"{count} {status}" for status, count in counts.items() if count))
    return "\n".join(line.rstrip() for line in lines) + "\n"
