"""As many rows are on their way as keep a few of them in the data plane's line."""

import pytest
from first_jupyter_server.batch.width import LEAST, MOST, Width


def settled(room, answers=5_000):
    """Return the width where replicas take so many rows, and all others wait in line."""
    width = Width()
    for _ in range(answers):
        width.heard(b"%d" % max(0, width.now - room))
    return width.now


@pytest.mark.parametrize("room", [16, 40, 300])
def test_a_few_rows_more_than_there_is_room_for(room):
    assert room < settled(room) <= 1.4 * room + 12


def test_where_there_is_hardly_any_room_no_more_than_the_least():
    assert settled(1) == LEAST


def test_however_much_room_there_is_no_more_than_the_most():
    assert settled(10_000) == MOST


def test_room_that_goes_is_noticed():
    width = Width()
    for _ in range(1_000):
        width.heard(b"0")
    for _ in range(5_000):
        width.heard(b"%d" % max(0, width.now - 20))
    assert width.now < 50


def test_what_no_replica_told_changes_nothing():
    width = Width()
    width.heard(None)
    assert width.now == LEAST
