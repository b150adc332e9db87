"""How long a replica is wanted, by the hours of a clock that nobody has to wait for."""

from __future__ import annotations

import pytest
from first_jupyter_remote.lease import Lease


@pytest.mark.parametrize(
    ("idle_ttl", "hold", "held_until", "expires"),
    [(60, None, None, 160), (60, 20, 120, 160), (60, 500, 600, 600), (None, 500, 600, None)],
)
def test_it_lasts_for_the_later_of_hold_and_idle_time(idle_ttl, hold, held_until, expires):
    lease = Lease(idle_ttl, hold)
    lease.ready(100)
    assert lease.terms() == {"held_until": held_until, "expires": expires}


def test_a_hold_counts_from_when_the_replica_is_ready():
    lease = Lease(60)
    lease.hold(500, 10)
    assert lease.terms() == {"held_until": None, "expires": None}
    lease.ready(100)
    assert lease.held_until == 600


@pytest.mark.parametrize(("seconds", "held_until"), [(10, 600), (499, 600), (501, 601)])
def test_a_shorter_hold_shortens_nothing(seconds, held_until):
    lease = Lease(60, 500)
    lease.ready(100)
    lease.hold(seconds, 100)
    assert lease.held_until == held_until


@pytest.mark.parametrize(
    ("hold", "now", "over"),
    [
        (None, 159, ""),
        (None, 160, "nobody has used it for 60 s"),
        (500, 160, ""),
        (500, 600, "the time it was held for is over"),
        (20, 160, "nobody has used it for 60 s"),
    ],
)
def test_its_end_says_why(hold, now, over):
    lease = Lease(60, hold)
    lease.ready(100)
    assert lease.over(now) == over


def test_use_prolongs_it():
    lease = Lease(60)
    lease.ready(100)
    lease.use(150)
    assert (lease.over(200), lease.expires) == ("", 210)


def test_a_replica_that_is_not_ready_keeps_its_hold_and_has_no_end():
    lease = Lease(60, 500)
    lease.ready(100)
    lease.lost()
    assert lease.terms() == {"held_until": 600, "expires": None}
    assert lease.over(10_000) == ""
    lease.ready(300)
    assert lease.terms() == {"held_until": 600, "expires": 600}


def test_without_an_idle_time_it_never_ends():
    lease = Lease(None, 10)
    lease.ready(100)
    assert lease.over(1e12) == ""
