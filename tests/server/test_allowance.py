"""How often answers may be asked for."""

import itertools

from first_jupyter_server.paths import relay
from first_jupyter_server.paths.allowance import Allowance


def test_requests_within_the_allowance_do_not_wait():
    allowance = Allowance(3, 10.0, longest=30.0)
    assert [allowance.book(now) for now in (0.0, 0.1, 0.2)] == [0.0, 0.0, 0.0]


def test_one_beyond_it_waits_until_the_first_is_long_enough_ago():
    allowance = Allowance(2, 10.0, longest=30.0)
    assert [allowance.book(now) for now in (0.0, 4.0, 5.0, 5.0, 5.0)] == [0.0, 0.0, 5.0, 9.0, 15.0]


def test_one_that_would_wait_too_long_is_refused_and_takes_no_place():
    allowance = Allowance(1, 10.0, longest=5.0)
    assert [allowance.book(now) for now in (0.0, 1.0, 4.0, 6.0)] == [0.0, None, None, 4.0]
    assert allowance.wait(6.0) == 14.0


def test_no_window_ever_has_more_than_the_allowance():
    allowance = Allowance(6, 10.0, longest=1000.0)
    sent = [now + (allowance.book(now) or 0.0) for now in (0.37 * step for step in range(60))]
    assert sent == sorted(sent)
    windows = zip(sent, itertools.islice(sent, 6, None), strict=False)
    assert all(later - earlier > 9.999 for earlier, later in windows)


def test_all_relayed_answers_together_leave_globus_compute_half_of_what_it_takes():
    assert relay.ANSWERS + relay.FOLLOW_UPS <= 20 / 2
