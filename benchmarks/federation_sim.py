"""Simulate federations under several policies: ``python benchmarks/federation_sim.py [--quick]``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sim import report, studies

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks-federation.md"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small federation alone, in seconds")
    parser.add_argument("--seed", type=int, default=1, help="all that is drawn follows from it (%(default)s)")
    parser.add_argument(
        "--tune", metavar="CONSTANT", nargs="*", choices=studies.CONSTANTS, help="vary constants"
    )
    parser.add_argument("--write", action="store_true", help=f"put the tables into {DOCUMENT.name}")
    given = parser.parse_args()
    if given.tune is not None:
        studies.tune(given.tune, given.seed, tell=report.say)
        return 0
    tables = studies.all_of(given.seed, quick=given.quick, tell=report.progress)
    report.say(report.tables(tables))
    if given.write:
        report.write(DOCUMENT, tables, seed=given.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
