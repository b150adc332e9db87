"""Models that are held warm on this machine, used or not."""

from __future__ import annotations

import time

import pytest
from jupyter_process import wait_until

pytestmark = pytest.mark.model

SOON_IDLE = "lab/soon-idle"


def lease(lab, model):
    (lease,) = lab.place(model)["leases"]
    return lease


def test_a_model_that_is_held_outlives_its_idle_time_and_ends_when_the_hold_does(lab):
    lab.cold(SOON_IDLE).post("models/start", model=SOON_IDLE, hold=8)
    lab.until("hot", SOON_IDLE)
    held = lease(lab, SOON_IDLE)
    assert held["expires"] == held["held_until"]
    lab.until("cold", SOON_IDLE)
    assert time.time() >= held["held_until"]
    assert lab.place(SOON_IDLE)["reason"] == "the time it was held for is over"


def test_a_model_that_is_hot_is_held_from_now_on(lab):
    lab.warm()
    (pid,) = lab.backends()
    lab.post("models/start", model="smollm2", hold=7200)
    held = wait_until(lambda: lab.place()["leases"][0]["held_until"], 60)
    assert 7000 < held - time.time() < 7201
    assert lab.backends() == [pid]


def test_a_hold_is_never_shortened(lab):
    lab.warm().post("models/start", model="smollm2", hold=9000)
    held = wait_until(
        lambda: (at := lab.place()["leases"][0]["held_until"]) and at > time.time() + 8000 and at, 60
    )
    lab.post("models/start", model="smollm2", hold=60)
    lab.ask()
    assert lab.place()["leases"][0]["held_until"] == pytest.approx(held, abs=5)


def test_stop_ends_a_model_that_is_held(lab):
    lab.warm().post("models/start", model="smollm2", hold=3600)
    lab.post("models/stop", model="smollm2")
    lab.until("cold")
    assert lab.backends() == []
    assert lab.place()["leases"] == []


@pytest.mark.parametrize("hold", [-1, 0, "2h", True])
def test_a_hold_that_makes_no_sense_is_refused(lab, hold):
    with lab.kernels_port() as kernel:
        answer = kernel.post("first/api/models/start", json={"model": "smollm2", "hold": hold})
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, "hold")
