"""The benchmarks still fit what they measure; how fast that is, they say when they are run themselves."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

from sim import studies

BENCHMARKS = Path(studies.__file__).parents[1]
IMPORT = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"
RESULTS = "import sys, json, figures; results = figures.Results(json.loads(sys.argv[1])); "
TABLES = RESULTS + "import report; print(report.tables(results))"
PICTURE = RESULTS + "import picture; print(picture.draw(results))"
RATIOS = "import sys, json, proxy_check as check; print(json.dumps(check.ratios(json.loads(sys.argv[1]))))"
FAST = "ours, kernels' path"
READ = "import upstream; print(upstream.read_token({event!r}))"
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


def took(latency, *, failed=0):
    """Return what the load generator says of a target's turn with one client."""
    return {"latency_ms": [latency, latency], "requests": 9, "failed": failed, "failures": ["lost"] * failed}


ROUND = {
    "ns1": {
        "direct": took(0.25),
        "nginx": took(0.375),
        "LiteLLM": took(20.25, failed=3),
        FAST: took(0.75),
        "ours, Jupyter's port": took(1.125),
    }
}


def test_the_goals_of_the_proxy_stand_beside_what_it_and_others_take():
    tables = run(TABLES, json.dumps([ROUND]))
    assert "| added latency, 1 client, p50 ms | ≤ 0.1 | 0.500 | **missed** | 0.125 | 20.000 |" in tables
    assert "| the same through Jupyter's port, p50 ms | ≤ 1 | 0.875 | met | 0.125 | 20.000 |" in tables


def test_what_failed_at_a_proxy_is_told_with_its_figures():
    tables = run(TABLES, json.dumps([ROUND]))
    assert "| LiteLLM | 20.000 / 20.000 (!) |" in tables
    assert "- LiteLLM, ns1: 3 of 12 failed (lost)" in tables


def test_the_picture_of_the_proxies_is_an_image_with_their_figures():
    root = ET.fromstring(run(PICTURE, json.dumps([ROUND])))
    assert {"0.500", "0.875", "0.125", "20.000"} <= {each.text for each in root.iter() if each.text}


@pytest.mark.parametrize("spaces", [(",", ":"), (", ", ": ")], ids=["compact", "spaced"])
def test_a_token_is_known_again_when_a_proxy_has_written_its_event_anew(spaces):
    event = {"id": "another", "choices": [{"index": 0, "delta": {"content": " 000007 0000000123456789012"}}]}
    data = f"data: {json.dumps(event, separators=spaces)}".encode()
    assert run(READ.format(event=data)).strip() == "(7, 123456789012)"


def test_the_check_compares_ours_and_the_bare_relay_each_at_its_best():
    def turn(seconds):
        return {"tokens": 10, "requests": 10, "cpu": {"proxy": seconds}, "latency_ms": [seconds, seconds]}

    rounds = [
        {
            name: {"direct": turn(0), "bare relay": turn(relay), FAST: turn(ours)}
            for name in ("ns1", "ns64", "st256")
        }
        for relay, ours in ((1, 6), (2, 4))
    ]
    assert set(json.loads(run(RATIOS, json.dumps(rounds))).values()) == {4}
