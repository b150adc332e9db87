"""A clock that jumps, as after a suspended laptop or a late NTP: nothing ends, and nothing is lost."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from jupyter_process import wait_until

pytestmark = pytest.mark.model

DAY = 86_400


@pytest.fixture
def clock(tmp_path):
    """Return a function that sets the clock of who has its ``env`` wrong by some days."""
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")  # Debian's package faketime
    file = tmp_path / "clock"

    def jump(days):
        file.write_text(f"{days * DAY:+d}\n")

    jump(0)
    jump.env = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    return jump


def test_a_hot_model_stays_hot_and_answers_are_entered_when_the_clock_jumps(jupyter, federation, clock):
    server = jupyter(federation=federation, env=clock.env).warm()
    before = server.backends()
    for days in (0, 1, -1):
        clock(days)
        assert server.ask()
        wait_until(lambda days=days: days in days_entered(server), 20)
        assert server.place()["state"] == "hot"
    assert server.backends() == before


def days_entered(server):
    """Return by how many days the clock was wrong when requests came, as they are entered."""
    recent = server.get("usage")["recent"]
    return {round((entry["at"] - time.time()) / DAY) for entry in recent}
