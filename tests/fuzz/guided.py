"""Looks, guided by coverage, for bytes that break a promise: ``-m tests.fuzz.guided TARGET`` (atheris).

The options are libFuzzer's, such as ``-max_total_time=60``, and folders of inputs to begin with.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["first_jupyter_server"]):
    from . import targets


def main() -> None:
    """Run one target, from the tricks that are known and the inputs that are kept."""
    name = sys.argv.pop(1)
    with tempfile.TemporaryDirectory() as begin:
        for number, trick in enumerate(targets.SEEDS[name]):
            Path(begin, str(number)).write_bytes(trick)
        atheris.Setup([*sys.argv, begin, str(targets.CORPUS / name)], targets.TARGETS[name])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
