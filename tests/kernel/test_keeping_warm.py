import time

import pytest

from first_jupyter._warm import kept_text

NOON = time.mktime((2026, 11, 23, 12, 0, 0, 0, 0, -1))
HOUR = 3600.0


def sent(wire):
    return [(route, body) for _, route, body in wire.calls if body]


def hot(**lease):
    known = {"replica": "r1", "stage": "ready", "held_until": None, "expires": None, "job_ends": None}
    return {"state": "hot", "leases": [known | lease]}


@pytest.mark.parametrize(
    ("typed", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("1d", 86400), ("1.5h", 5400)]
)
def test_a_model_is_started_and_held_for_a_time(shell, wire, typed, seconds):
    said = shell.cell(f"%first start smollm2 --for {typed}").plain
    assert sent(wire) == [("api/models/start", {"model": "smollm2", "hold": seconds})]
    assert said == f"smollm2 on local: loading, about 3 s left, kept for {typed} from when it is ready"


@pytest.mark.parametrize(
    "line", ["smollm2 --on local", "--on local smollm2", "--on=local smollm2", "smollm2@local"]
)
@pytest.mark.parametrize("command", ["start", "stop"])
def test_start_and_stop_take_a_cluster(shell, wire, command, line):
    shell.cell(f"%first {command} {line}")
    assert sent(wire) == [(f"api/models/{command}", {"model": "smollm2", "cluster": "local"})]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("start smollm2 --for", "it cannot take --for so"),
        ("start smollm2 --for 2", "--for takes a time such as 90s, 30m, 2h or 1d, not 2"),
        ("start smollm2 --for 0h", "not 0h"),
        ("start --for 1h --for 2h", "it cannot take --for so"),
        ("start smollm2 --until 2h", "it cannot take --until so"),
        ("start smollm2 llama", "it takes one model, not smollm2, llama"),
        ("start smollm2@local --on polaris", "it takes one cluster, not local and polaris"),
        ("stop smollm2 --for 2h", "it cannot take --for so"),
    ],
)
def test_what_cannot_be_meant_gets_the_right_form(shell, wire, line, fault):
    message = str(shell.cell(f"%first {line}").error)
    assert fault in message
    assert f"%first {line.split()[0]} [MODEL]" in message
    assert not sent(wire)


@pytest.mark.parametrize(
    ("lease", "said"),
    [
        ({"held_until": NOON + 4 * HOUR, "expires": NOON + 4 * HOUR}, "held until 16:00"),
        (
            {"held_until": NOON + 4 * HOUR, "expires": NOON + 4 * HOUR, "job_ends": NOON + HOUR},
            "held until 16:00",
        ),
        ({"expires": NOON + HOUR}, "until 13:00 if unused"),
        ({"held_until": NOON - HOUR, "expires": NOON + HOUR}, "until 13:00 if unused"),
        ({"held_until": NOON + HOUR, "expires": NOON + 2 * HOUR}, "until 14:00 if unused"),
        ({"expires": NOON + 2 * HOUR, "job_ends": NOON + HOUR}, "ends with its job at 13:00"),
        ({"job_ends": NOON + 6 * HOUR}, "ends with its job at 18:00"),
        ({"held_until": NOON + 24 * HOUR, "expires": NOON + 24 * HOUR}, "held until Tue 12:00"),
        ({"held_until": NOON + 240 * HOUR}, "held until 2026-12-03 12:00"),
        ({}, ""),
        ({"stage": "loading", "expires": NOON + HOUR}, ""),
    ],
)
def test_a_replica_s_lease_is_told_as_a_time_of_day(lease, said):
    assert kept_text(hot(**lease), NOON) == said


def test_of_several_replicas_the_one_that_is_kept_longest_counts():
    place = hot(expires=NOON + HOUR)
    place["leases"] += hot(held_until=NOON + 2 * HOUR, expires=NOON + 2 * HOUR)["leases"]
    assert kept_text(place, NOON) == "held until 14:00"
    place["leases"] += hot()["leases"]
    assert kept_text(place, NOON) == ""


def test_the_list_of_models_says_until_when_each_is_kept(shell, wire):
    assert "| local | hot |" in shell.cell("%first models").markdown
    wire.changes(**hot(expires=time.time() + 60))
    said = shell.cell("%first models").markdown
    assert "| local | hot, until " in said
    assert " if unused |" in said


def test_a_model_that_is_hot_already_says_until_when_it_is_held(shell, wire):
    until = time.time() + 7200
    wire.started = hot(held_until=until, expires=until)
    said = shell.cell("%first start smollm2 --for 2h").plain
    assert said.startswith("smollm2 on local: ready, held until ")
