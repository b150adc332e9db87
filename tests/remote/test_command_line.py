"""``first-remote`` at a terminal: durations, and replicas in words."""

from __future__ import annotations

import json

import pytest
from first_jupyter_remote import cli, duration
from first_jupyter_remote.listing import line
from first_jupyter_remote.protocol import ReplicaRecord, Stage


@pytest.mark.parametrize(
    ("text", "seconds"), [("2h", 7200), ("90m", 5400), ("1h30m", 5400), ("45s", 45), (" 1D ", 86400)]
)
def test_a_duration_is_typed_as_people_say_it(text, seconds):
    assert duration.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "0h", "soon", "-1h", "2 h 3", "90", "1m1h"])
def test_what_is_no_duration_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="is no length of time: write it as 2h, 90m or 1h30m"):
        duration.seconds(text)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"stage": Stage.LOADING, "progress": 0.5, "reason": "reading"}, "loading 50% reading"),
        (
            {"stage": Stage.READY, "held_until": 8200.0, "expires": 8200.0},
            "ready; held for 2 h; ends in 2 h if nobody uses it",
        ),
        (
            {"stage": Stage.READY, "held_until": 900.0, "expires": 1030.0},
            "ready; ends in 30 s if nobody uses it",
        ),
        ({"stage": Stage.LOADING, "job": "4711", "job_ends": 6460.0}, "loading; job 4711 ends in 1 h 31 min"),
        ({"stage": Stage.LOADING, "job": "4711"}, "loading; in job 4711"),
        ({"stage": Stage.STOPPED, "reason": "over", "job": "4711", "held_until": 9e9}, "stopped over"),
    ],
)
def test_a_replica_s_line_says_how_long_it_lasts(fields, words):
    assert line(ReplicaRecord("r1", "m", key="secret", **fields), now=1000.0) == f"r1 m {words}"


def test_a_hold_is_left_for_a_replica_that_has_not_begun(tmp_path, capsys):
    assert cli.main(["--home", str(tmp_path), "hold", "r1", "1h30m"]) == 0
    assert "held for 1 h 30 min once it is ready" in capsys.readouterr().out
    assert json.loads((tmp_path / "replicas" / "r1.hold").read_text())["seconds"] == 5400


def test_a_wrong_duration_is_an_error_of_usage(tmp_path, capsys):
    with pytest.raises(SystemExit):
        cli.main(["--home", str(tmp_path), "hold", "r1", "soon"])
    assert "'soon' is no length of time" in capsys.readouterr().err
