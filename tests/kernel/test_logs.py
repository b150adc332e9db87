"""``%first log`` shows the end of a replica's log, of one that runs or of the last that failed."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest

from first_jupyter._log import log_text

NOON = time.mktime((2026, 3, 4, 12, 0, 0, 0, 0, -1))
FAILURE = {
    "model": "org/m",
    "cluster": "lab",
    "replica": "m-1",
    "node": "n1",
    "at": NOON,
    "reason": "llama.cpp ended with exit code 3",
    "lines": ["loading", "no such layer"],
    "file": "/home/ada/m-1.log",
}


@pytest.fixture
def asked(wire):
    """What the server was asked for, by its query."""
    seen = []

    def tell(_method, route, _body):
        seen.append({name: value for name, (value,) in parse_qs(urlsplit(route).query).items()})
        return 200, FAILURE

    wire.log = tell
    return seen


def test_a_failure_is_told_with_the_end_of_its_log():
    assert log_text(FAILURE).splitlines() == [
        "org/m on lab failed at 12:00:00: llama.cpp ended with exit code 3",
        "Replica m-1 on n1, whose whole log is /home/ada/m-1.log, said last:",
        "",
        "loading",
        "no such layer",
    ]


def test_a_failure_without_a_log_says_so():
    told = log_text({**FAILURE, "node": None, "lines": [], "file": None})
    assert told.endswith("exit code 3\nNo log of replica m-1 came here.")


@pytest.mark.parametrize(
    ("argument", "query"),
    [
        ("", {"model": "HuggingFaceTB/SmolLM2-135M-Instruct"}),
        ("llama", {"model": "llama"}),
        ("llama@sophia", {"model": "llama", "cluster": "sophia"}),
        ("llama --on sophia", {"model": "llama", "cluster": "sophia"}),
    ],
)
def test_the_model_is_named_as_elsewhere(shell, asked, argument, query):
    assert "no such layer" in shell.cell(f"%first log {argument}").plain
    assert asked == [query]


def test_where_nothing_has_failed_the_server_s_words_are_shown(shell, wire):
    wire.log = lambda *_: (404, {"error": {"message": "There is no failure of org/m to tell of."}})
    assert str(shell.cell("%first log").error) == "There is no failure of org/m to tell of."


def test_the_log_of_a_replica_that_runs_is_told_without_a_failure():
    assert log_text({**FAILURE, "reason": ""}).splitlines()[:2] == [
        "org/m on lab runs",
        "Replica m-1 on n1, whose whole log is /home/ada/m-1.log, said last:",
    ]
    assert log_text({**FAILURE, "reason": "", "lines": []}).splitlines() == [
        "org/m on lab runs",
        "No log of replica m-1 on n1 is there yet.",
    ]
