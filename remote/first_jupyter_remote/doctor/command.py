"""``first-remote doctor``: says what is missing for a model to run here, and what to do about it."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from first_jupyter_remote.protocol import ModelSpec

from . import hardware, network, scheduler, software, storage
from .finding import Finding, Status, Subject, fail

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

__all__ = ["CHECKS", "add_parser", "examine", "run"]

CHECKS: dict[str, Callable[[Subject], Finding]] = {
    "endpoint": software.check_files,
    "python": software.check_python,
    "agent": software.check_agent,
    "inference server": software.check_inference_server,
    "GPUs": hardware.check_gpus,
    "shared memory": hardware.check_shared_memory,
    "open files": hardware.check_open_files,
    "weights": storage.check_weights,
    "model hub": storage.check_hub,
    "room": storage.check_room,
    "scheduler": scheduler.check_commands,
    "walltime": scheduler.check_walltime,
    "address": network.check_address,
    "AMQP": network.check_amqp,
    "HTTPS": network.check_https,
    "clock": network.check_clock,
}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "doctor", help="say what is missing for a model to run here", description=__doc__
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "--endpoint-dir", type=Path, metavar="DIR", help="an endpoint that first-remote deploy wrote"
    )
    parser.add_argument("--spec", type=Path, metavar="SPEC.json", help="a model that is to be served")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(given: argparse.Namespace) -> int:
    """Run all checks, print what they found, and return 1 if one failed."""
    try:
        folder = given.endpoint_dir.expanduser().absolute() if given.endpoint_dir else None
        spec = ModelSpec.from_json(json.loads(given.spec.read_text())) if given.spec else None
        subject = Subject.of(folder, spec)
    except (OSError, ValueError, TypeError, KeyError) as error:
        sys.stderr.write(f"first-remote doctor: cannot read what to look at: {error}.\n")
        return 2
    findings = examine(subject)
    sys.stdout.write(
        as_json(findings) if given.json else as_table(findings, shutil.get_terminal_size().columns)
    )
    return 1 if any(finding.status is Status.FAIL for finding in findings.values()) else 0


def examine(subject: Subject) -> dict[str, Finding]:
    """Return what each check found; they run side by side, because some wait for the network."""

    def one(check: Callable[[Subject], Finding]) -> Finding:
        try:
            return check(subject)
        except Exception as error:  # noqa: BLE001  (one check that stumbles must not hide the others)
            return fail(f"the check itself failed: {type(error).__name__}: {error}", "Please report this.")

    with ThreadPoolExecutor(len(CHECKS)) as pool:
        return dict(zip(CHECKS, pool.map(one, CHECKS.values()), strict=True))


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
