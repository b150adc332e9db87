"""The benchmarks still fit what they measure; how fast that is, they say when they are run themselves."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

from sim import studies

BENCHMARKS = Path(studies.__file__).parents[1]
IMPORT = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"
DECIDE = "import router; router.ROUNDS = router.DECISIONS = 1; router.SIZES = ((10, 3),); router.main()"


def run(code, *arguments):
    """Run code in a process beside the benchmarks, whose modules are called like some of the tests' own."""
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=BENCHMARKS, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def figures():
    """Simulate what ``federation_sim.py --quick`` does."""
    tables = studies.all_of(1, quick=True, tell=lambda _: None)
    return [figures for table in tables for figures in table.figures]


def test_all_of_them_can_be_imported():
    run(IMPORT, *sorted(path.stem for path in BENCHMARKS.glob("*.py")))


def test_a_decision_of_the_router_can_be_measured():
    assert "| 10 | 3 | with wishes |" in run(DECIDE)


def test_in_the_simulator_every_policy_serves_its_requests(figures):
    assert {each.policy for each in figures} == {policy.name for policy in studies.EVERYONE}
    for each in figures:
        assert each.requests > 100
        assert each.failed < 0.05
        assert math.isfinite(each.p95)


def test_in_the_simulator_our_policy_fails_no_request(figures):
    assert [each.failed for each in figures if each.policy == "ours"] == [0, 0]
