"""``jupyter first doctor``: says what keeps first-jupyter from working here, and what to do about it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from first_jupyter_remote.protocol.finding import Finding
from first_jupyter_remote.protocol.report import examine, show

from . import installed, serving, surroundings
from .subject import Subject

__all__ = ["CHECKS", "main"]

CHECKS: dict[str, Callable[[Subject], Finding]] = {
    "extension": installed.check_extension,
    "JupyterLab": installed.check_labextension,
    "packages": installed.check_packages,
    "extras": installed.check_extras,
    "kernels": installed.check_kernels,
    "runtime folder": surroundings.check_runtime_folder,
    "data folder": surroundings.check_data_folder,
    "room": surroundings.check_room,
    "proxy": surroundings.check_proxy,
    "federation": serving.check_federation,
    "data plane": serving.check_dataplane,
    "login": serving.check_login,
    "clock": serving.check_clock,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line: all checks, and 1 as the exit status where one failed."""
    parser = argparse.ArgumentParser(prog="jupyter first", description="Look after first-jupyter.")
    commands = parser.add_subparsers(dest="command", required=True)
    doctor = commands.add_parser(
        "doctor", help="say what keeps it from working here, and what to do about it", description=__doc__
    )
    doctor.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args(argv)
    return show(examine(CHECKS, Subject.here()), given.json)
