"""When a server that died is started again."""

from __future__ import annotations

import pytest
from first_jupyter_remote import backoff


@pytest.mark.parametrize(("deaths", "seconds"), [(1, 0.5), (2, 1), (3, 2), (4, 4), (7, 30), (100, 30)])
def test_the_pause_doubles_up_to_half_a_minute(deaths, seconds):
    assert backoff.delay(deaths) == seconds


@pytest.mark.parametrize(("deaths", "lived", "after"), [(0, 0, 1), (3, 59, 4), (3, 60, 1), (4, 3600, 1)])
def test_a_minute_in_health_wipes_out_earlier_deaths(deaths, lived, after):
    assert backoff.count_death(deaths, lived) == after
