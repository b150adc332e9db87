"""How many rows a replica gets: by its slots, and without them by what pays."""

import pytest
from first_jupyter_server.federation import tuning
from first_jupyter_server.federation.breaker import Breaker
from first_jupyter_server.federation.catalog import Model, Place, Replica, State
from first_jupyter_server.federation.climb import Climb
from first_jupyter_server.federation.decision import FULL
from first_jupyter_server.federation.measures import Measures
from first_jupyter_server.federation.room import Room, slots_for_rows


@pytest.mark.parametrize(
    ("slots", "alone", "shared"), [(1, 2, 1), (2, 3, 1), (4, 5, 3), (16, 20, 12), (256, 320, 192)]
)
def test_a_few_more_than_its_slots_alone_and_a_few_less_beside_people(slots, alone, shared):
    assert slots_for_rows(slots, shared=False) == alone
    assert slots_for_rows(slots, shared=True) == shared


def test_people_are_expected_back_for_a_while():
    replica = Replica("r", "host", 1, slots=4)
    model = Model("m", places=(Place("c", "local", "vllm", State.HOT, replicas=(replica,)),))
    measures = Measures(Breaker())
    room = Room(measures)
    room.took(replica, 0.0, row=False)
    room.left(replica, 1.0, row=False)
    for _ in range(3):
        measures.took(replica)
        room.took(replica, 1.0, row=True)
    assert room.at(2.0, model).blocked("r", "c") is FULL
    assert room.at(1.0 + tuning.SHARED_FOR, model).blocked("r", "c") is None


def rows_a_second(most, *, slots):
    """Answer as a server with so many slots: more rows at once wait in it."""
    return min(most, slots)


def climbed(slots, steps=400, *, shared=False):
    climb, now = Climb(), 0.0
    for _ in range(steps):
        most = slots_for_rows(climb.slots, shared=shared)
        for _ in range(tuning.CLIMB_ANSWERS * most + 1):
            now += 1 / rows_a_second(most, slots=slots)
            climb.answered(most, now, waiting=True)
    return climb


@pytest.mark.parametrize("slots", [10, 30, 100])
@pytest.mark.parametrize("shared", [False, True])
def test_a_server_gets_as_many_as_pay(slots, shared):
    rows = slots_for_rows(climbed(slots, shared=shared).slots, shared=shared)
    assert 0.7 * slots <= rows <= 2 * slots


def test_a_server_that_can_do_little_gets_no_more_than_at_first():
    assert climbed(1, steps=3).slots == tuning.CLIMB_FROM


def test_people_who_come_and_go_do_not_spoil_what_is_found():
    climb, now = Climb(), 0.0
    for step in range(400):
        most = slots_for_rows(climb.slots, shared=step % 7 > 3)
        for _ in range(tuning.CLIMB_ANSWERS * most + 1):
            now += 1 / rows_a_second(most, slots=60)
            climb.answered(most, now, waiting=True)
    assert climb.slots > 40


def test_a_refusal_halves_what_a_server_gets():
    climb = climbed(100)
    before = climb.slots
    climb.refused()
    assert climb.slots == before // 2


def test_what_was_slow_for_want_of_rows_says_nothing():
    climb = Climb()
    for second in range(1000):
        climb.answered(climb.slots, float(second), waiting=second % 50 > 0)
    assert climb.slots == tuning.CLIMB_FROM
