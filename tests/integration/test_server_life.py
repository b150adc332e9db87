"""A server's own life: beside others, and to its end, of which nothing is left."""

from __future__ import annotations

import signal

import pytest
from jupyter_process import wait_until

pytestmark = pytest.mark.model


@pytest.fixture
def other(jupyter, federation):
    return jupyter(federation=federation)


def test_two_servers_of_one_user_serve_at_once_each_with_its_own_key(lab, other):
    assert lab.warm().ask()
    assert other.warm().ask()
    assert lab.place()["state"] == other.place()["state"] == "hot"
    with other.kernels_port(lab.found["api_key"]) as stranger:
        assert stranger.get("first/v1/models").status_code == 401


@pytest.mark.parametrize("state", ["hot", "starting"])
def test_a_server_that_is_killed_leaves_no_process_behind(other, state):
    other.warm() if state == "hot" else start(other)
    assert len(other.processes()) > 3
    other.process.kill()
    other.process.wait()
    wait_until(lambda: not other.processes(), 60, lambda: f"left behind: {other.processes()}")


@pytest.mark.parametrize("state", ["hot", "starting"])
def test_a_server_that_is_asked_to_end_leaves_nothing_behind(other, state):
    other.warm() if state == "hot" else start(other)
    other.process.send_signal(signal.SIGTERM)
    assert other.process.wait(60) == 0
    assert not other.runtime_file.exists()
    wait_until(lambda: not other.processes(), 60, lambda: f"left behind: {other.processes()}")


def start(server):
    """Have a model on its way that never arrives."""
    server.post("models/start", model="lab/never-ready")
    wait_until(lambda: any("never" in words for words in server.processes().values()), 60)
