"""What a scheduler says of a job that waits becomes a sentence and an estimate."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from first_jupyter_remote.protocol import QueuedJob
from first_jupyter_server.clusters.queue_words import clock, matched, seconds_until_hot, sentence

NOON = datetime(2026, 3, 2, 12, 0).astimezone()  # this machine's time, as a person reads it
NOW = NOON.timestamp()
SOON = NOW + 2 * 3600 + 300


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (
            QueuedJob("4711", "debug", 3, "Resources", SOON),
            "waiting for a node: job 4711 is 3rd in the queue debug (Resources), expected to start at 14:05",
        ),
        (QueuedJob("4711", "debug", 1), "waiting for a node: job 4711 is 1st in the queue debug"),
        (
            QueuedJob("4711", "debug", None, "Priority"),
            "waiting for a node: job 4711 waits in the queue debug (Priority)",
        ),
        (QueuedJob("4711"), "waiting for a node: job 4711 waits in the queue"),
        (QueuedJob("4711", starts=NOW - 5), "waiting for a node: job 4711 waits in the queue"),
    ],
)
def test_a_wait_is_told_as_far_as_the_scheduler_tells(job, words):
    assert sentence(job, NOW) == words


@pytest.mark.parametrize(
    ("position", "ordinal"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (11, "11th"),
        (12, "12th"),
        (21, "21st"),
        (113, "113th"),
    ],
)
def test_a_place_is_an_ordinal(position, ordinal):
    assert f" is {ordinal} in " in sentence(QueuedJob("1", position=position), NOW)


def test_a_moment_of_another_day_says_which():
    tomorrow = (NOON + timedelta(days=1)).timestamp()
    assert clock(NOW + 300, NOW) == "12:05"
    assert clock(tomorrow, NOW) == "12:00 on Tue 03 Mar"


def test_the_oldest_job_is_the_oldest_replica():
    old, new = QueuedJob("1"), QueuedJob("2")
    assert matched(["a", "b"], [old, new]) == {"a": old, "b": new}
    assert matched(["a", "b"], [old]) == {"a": old}
    assert matched([], [old]) == {}


@pytest.mark.parametrize(
    ("starts", "remaining", "seconds"),
    [
        (NOW + 600, {"fetching": [80.0, 100.0, 300.0], "loading": [50.0]}, 700.0),
        (NOW + 600, {"loading": [50.0]}, 650.0),
        (NOW - 10, {"fetching": [100.0]}, 100.0),
        (NOW + 600, {"queued": [900.0]}, None),
        (None, {"fetching": [100.0]}, None),
    ],
)
def test_an_eta_is_the_expected_start_and_what_starts_take_from_there(starts, remaining, seconds):
    assert seconds_until_hot(QueuedJob("1", starts=starts), remaining, NOW) == seconds
