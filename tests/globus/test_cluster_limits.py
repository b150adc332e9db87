"""The hosted limits of Globus Compute, and what a user sees at each of them."""

from __future__ import annotations

import json

import pytest
from compute import PAYLOAD_LIMIT
from jupyter_process import wait_until

pytestmark = [pytest.mark.globus, pytest.mark.model]


def test_a_start_that_is_too_large_says_what_to_shorten(serve, agent):
    reason = serve(agent, model={"args": ["x" * PAYLOAD_LIMIT]}).start_and_fail()
    assert "larger than the 10 MB that Globus Compute takes: shorten the model's entry" in reason


def test_a_start_that_is_asked_for_too_often_says_to_try_again_and_then_succeeds(
    serve, agent, compute, monkeypatch
):
    lab = serve(agent)
    monkeypatch.setattr(compute, "requests_allowed", 0)
    assert lab.start_and_fail() == "Globus Compute was asked more often than it allows: try again in a minute"
    monkeypatch.undo()
    assert lab.have_hot()["state"] == "hot"
    lab.have_cold()


def test_a_replica_that_ended_days_before_the_next_server_is_told_of(
    serve, agent, compute, tmp_path, monkeypatch
):
    first = serve(agent, model={"idle_ttl": 3}, data=tmp_path / "data")
    replica = first.have_hot()["leases"][0]["replica"]
    first.close()
    (asked,) = (tmp_path / "data").rglob("asked.json")
    (order,) = json.loads(asked.read_text())
    wait_until(lambda: compute.tasks.all[order["task"]].ended, 90)
    (path,) = agent.home.rglob(f"replicas/{replica}.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"updated": 0.0}))
    monkeypatch.setattr(compute.tasks, "keep_results", 0.0)
    second = serve(agent, data=tmp_path / "data", look=3)
    assert "how it ended is forgotten" in second.until("offline")["reason"]
