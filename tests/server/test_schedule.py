"""Schedules: what people may write, when it holds, and what a mistake is answered."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from first_jupyter_server.federation.schedule import parse

BERLIN = ZoneInfo("Europe/Berlin")


def at(text, zone=BERLIN):
    """Return a moment; the 23rd of November 2026 is a Monday."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def moment(seconds, zone=BERLIN):
    return None if seconds is None else datetime.fromtimestamp(seconds, zone).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("written", "now", "until"),
    [
        ("weekdays 09:00-18:00", "2026-11-23 09:00", "2026-11-23 18:00"),
        ("weekdays 09:00-18:00", "2026-11-23 17:59", "2026-11-23 18:00"),
        ("weekdays 09:00-18:00", "2026-11-23 18:00", None),
        ("weekdays 09:00-18:00", "2026-11-23 08:59", None),
        ("weekdays 09:00-18:00", "2026-11-28 12:00", None),
        ("weekends 9-18", "2026-11-28 12:00", "2026-11-28 18:00"),
        ("mon,wed 8:30-12", "2026-11-25 08:30", "2026-11-25 12:00"),
        ("mon,wed 8:30-12", "2026-11-24 09:00", None),
        ("Tuesday-Thursday 8-12", "2026-11-24 09:00", "2026-11-24 12:00"),
        ("sat-mon 8-12", "2026-11-29 09:00", "2026-11-29 12:00"),
        ("sat-mon 8-12", "2026-11-24 09:00", None),
        ("daily 22:00-06:00", "2026-11-24 05:00", "2026-11-24 06:00"),
        ("fri 22:00-06:00", "2026-11-28 05:00", "2026-11-28 06:00"),
        ("fri 22:00-06:00", "2026-11-27 05:00", None),
        ("weekdays 18-24", "2026-11-23 23:30", "2026-11-24 00:00"),
    ],
)
def test_a_schedule_holds_in_its_hours(written, now, until):
    assert moment(parse(f"{written} Europe/Berlin").ends(at(now))) == until


def test_hours_that_touch_hold_as_one():
    schedule = parse(["mon 09:00-12:00 Europe/Berlin", "mon 12:00-18:00 Europe/Berlin"])
    assert moment(schedule.ends(at("2026-11-23 10:00"))) == "2026-11-23 18:00"


@pytest.mark.parametrize(
    ("written", "now", "begins"),
    [
        ("weekdays 09:00-18:00", "2026-11-23 08:00", "2026-11-23 09:00"),
        ("weekdays 09:00-18:00", "2026-11-23 09:00", "2026-11-24 09:00"),
        ("weekdays 09:00-18:00", "2026-11-27 19:00", "2026-11-30 09:00"),
        ("mon 09:00-18:00", "2026-11-23 12:00", "2026-11-30 09:00"),
    ],
)
def test_a_schedule_tells_when_it_holds_next(written, now, begins):
    assert moment(parse(f"{written} Europe/Berlin").begins(at(now))) == begins


@pytest.mark.parametrize(
    ("now", "until"),
    [("2026-03-27 10:00", "2026-03-27 18:00"), ("2026-03-30 10:00", "2026-03-30 18:00")],
)
def test_nine_to_six_stays_so_when_the_clocks_are_changed(now, until):
    schedule = parse("weekdays 09:00-18:00 Europe/Berlin")
    assert moment(schedule.ends(at(now))) == until
    assert schedule.ends(at(now.replace("10:00", "08:59"))) is None


def test_without_a_time_zone_the_servers_clock_is_meant():
    noon = datetime(2026, 11, 23, 12, 0).timestamp()  # noqa: DTZ001
    assert parse("weekdays 09:00-18:00").ends(noon) == noon + 6 * 3600


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("weekdays", "write days, hours and perhaps a time zone"),
        ("werktags 09:00-18:00", "there is no day 'werktags'"),
        ("weekdays 9 to 18", "is no schedule; write days, hours"),
        ("weekdays nine-six", "'nine-six' are no hours; write them as 09:00-18:00"),
        ("weekdays 9am-6pm", "'9am-6pm' are no hours"),
        ("weekdays 09:00-25:00", "a day lasts from 00:00 to 24:00"),
        ("weekdays 09:75-10:00", "a day lasts from 00:00 to 24:00"),
        ("daily 00:00-00:00", "write 00:00-24:00 for the whole day"),
        ("daily 09:00-18:00 Mars/Base", "there is no time zone 'Mars/Base'"),
    ],
)
def test_what_has_no_meaning_is_answered_with_what_to_write(written, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        parse(written)
