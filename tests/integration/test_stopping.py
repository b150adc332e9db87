"""Models that are stopped, by somebody or because nobody needs them."""

from __future__ import annotations

import json
import time

import pytest
from jupyter_process import wait_until

pytestmark = pytest.mark.model


def test_stop_ends_the_models_process(lab):
    assert len(lab.warm().backends()) == 1
    entry = lab.post("models/stop", model="smollm2")
    assert entry["clusters"][0]["state"] in ("draining", "cold")
    lab.until("cold")
    assert lab.backends() == []
    assert lab.place()["reason"] == "somebody asked it to end"


def test_stop_ends_the_replica_that_is_named_and_no_other(lab):
    (lease,) = lab.warm().place()["leases"]
    with lab.kernels_port() as kernel:
        answer = kernel.post("first/api/models/stop", json={"model": "smollm2", "replica": "another"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "replica_not_found")
    assert lab.place()["state"] == "hot"
    lab.post("models/stop", model="smollm2", cluster="local", replica=lease["replica"])
    lab.until("cold")
    assert lab.place()["reason"] == "somebody asked it to end"


def test_stop_ends_a_model_on_its_way(lab):
    lab.post("models/start", model="lab/never-ready")
    lab.until("starting", "lab/never-ready")
    lab.post("models/stop", model="lab/never-ready")
    lab.until("cold", "lab/never-ready")
    assert lab.backends("lab/never-ready") == []


def test_a_model_that_was_stopped_starts_again(lab):
    lab.warm().cold()
    assert lab.ask()


def test_a_model_that_nobody_uses_ends_by_itself_and_says_why(lab):
    lab.ask("lab/soon-idle")
    lab.until("cold", "lab/soon-idle")
    assert lab.place("lab/soon-idle")["reason"] == "nobody has used it for 3 s"
    wait_until(lambda: lab.backends("lab/soon-idle") == [], 60)


def test_a_request_that_comes_while_an_idle_model_ends_is_answered_by_a_new_one(lab):
    lab.ask("lab/soon-idle")
    lab.until("draining", "lab/soon-idle")
    assert lab.ask("lab/soon-idle")


def test_records_and_logs_of_long_ago_are_removed(lab):
    folder = lab.home / "data" / "first" / "clusters" / "local" / "replicas"
    lab.warm()
    record = json.loads(next(folder.glob("smollm2-*.json")).read_text())
    old = {**record, "replica": "old", "stage": "stopped", "updated": time.time() - 2 * 86_400}
    (folder / "old.json").write_text(json.dumps(old))
    (folder / "old.log").write_text("long ago")
    lab.cold()
    wait_until(lambda: not list(folder.glob("old.*")), 60)
