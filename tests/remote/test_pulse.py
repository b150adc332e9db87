"""What an inference server's load, and its silence, say about its health."""

from __future__ import annotations

import pytest
from first_jupyter_remote.protocol import Load
from first_jupyter_remote.pulse import MUTE, STALL, Pulse

END = STALL + 1


def pulse(*beats, embeddings=False):
    """Return a pulse that took these loads at these moments, the first moment being 0."""
    new = Pulse(0.0, embeddings=embeddings)
    for at, load in beats:
        new.beat(load, at)
    return new


def test_a_server_that_does_not_answer_is_mute_in_the_end():
    assert pulse().fault(MUTE) == ""
    assert pulse().fault(MUTE + 1) == "has not answered for 120 s"
    assert pulse((MUTE, Load()), (MUTE + 60, None)).fault(2 * MUTE) == ""


@pytest.mark.parametrize(
    ("load", "embeddings", "fault"),
    [
        (Load(1, 0, 5), False, "has made no token for 180 s while a request waits for one"),
        (Load(2, 3, 5), False, "has made no token for 180 s while 5 requests wait for one"),
        (Load(0, 1, 5), True, "has read no token for 180 s while a request waits for one"),
        (Load(0, 0, 5), False, ""),
    ],
)
def test_a_server_stalls_only_while_somebody_waits(load, embeddings, fault):
    assert pulse((0, load), (END, load), embeddings=embeddings).fault(END) == fault


@pytest.mark.parametrize("change", [Load(1, 1, 6), Load(1, 0, 5), Load(2, 1, 5)])
def test_any_change_is_a_sign_of_life(change):
    assert pulse((0, Load(1, 1, 5)), (END / 2, change), (END, change)).fault(END) == ""


def test_a_line_in_the_log_is_a_sign_of_life():
    stalled = pulse((0, Load(1)), (END, Load(1)))
    stalled.beat(Load(1), END, printed=END - 1)
    assert stalled.fault(END) == ""


def test_idle_time_is_no_part_of_a_stall():
    beats = (END, Load()), (END + 1, Load(1)), (END + STALL, Load(1))
    assert pulse(*beats).fault(END + STALL) == ""


@pytest.mark.parametrize(
    ("first", "then", "used"),
    [
        (Load(), Load(), False),
        (Load(), Load(0, 0, 5), True),
        (Load(1, 0, 5), Load(1, 0, 5), True),
        (Load(1, 0, 5), Load(0, 0, 5), True),
        (Load(1, 0, 5), None, False),
    ],
)
def test_a_server_is_in_use_while_its_load_changes_or_requests_are_there(first, then, used):
    assert pulse((0, first)).beat(then, 1.0) is used
