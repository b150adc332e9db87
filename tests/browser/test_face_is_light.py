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


def test_nothing_is_asked_in_a_minute_in_which_nobody_looks(states, drive):
    states.log_in()
    seen = drive("measure.mjs", states.lab.address("lab"), "requests", 60, "now")
    assert (seen["panelHidden"], seen["pageHidden"]) == ([], [])
