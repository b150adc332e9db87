"""What our part of a page costs, whatever the machine; `benchmarks/face.py` has the times."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

from face import KB, compressed

pytestmark = [pytest.mark.browser, pytest.mark.model]


def test_what_is_loaded_at_start_is_small_and_every_plugin_is_there(states, drive):
    seen = drive("measure.mjs", states.lab.address("lab"), "load")
    assert compressed(seen["files"]) < 150 * KB
    assert {"first-jupyter:federation", "first-jupyter:login"} <= set(seen["activation"])
