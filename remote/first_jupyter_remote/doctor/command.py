"""``first-remote doctor``: says what is missing for a model to run here, and what to do about it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from first_jupyter_remote.protocol import ModelSpec
from first_jupyter_remote.protocol.finding import Finding
from first_jupyter_remote.protocol.report import examine, show

from . import hardware, network, scheduler, software, storage
from .subject import Subject

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

__all__ = ["CHECKS", "add_parser", "run"]

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
    return show(examine(CHECKS, subject), given.json)
