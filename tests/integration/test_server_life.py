"""A server's own life: beside others, and to its end, of which nothing is left."""

from __future__ import annotations

import json
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


def test_a_server_on_a_newer_release_s_data_folder_serves_and_leaves_it_as_it_is(
    jupyter, federation, tmp_path
):
    data = tmp_path / "jupyter-0" / "data" / "first"
    data.mkdir(parents=True)
    (data / "format.json").write_text('{"format": 99, "release": "9.0.0"}')
    (data / "choice.json").write_text('{"model": "org/chosen"}')
    server = jupyter(federation=federation)
    assert server.warm().ask()
    server.post("models/stop", model="smollm2")
    (problem,) = server.get("status")["federation"]["problems"]
    assert "first-jupyter 9.0.0 wrote this folder in format 99" in problem
    assert problem in server.log
    server.close()
    assert sorted(path.name for path in data.iterdir()) == ["choice.json", "format.json", "format.json.lock"]
    assert json.loads((data / "choice.json").read_text()) == {"model": "org/chosen"}


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


def test_a_server_that_is_interrupted_leaves_no_file_behind(jupyter, federation, tmp_path):
    """As a JupyterHub does it: Jupyter then ends without a word to its extensions."""
    (temporary := tmp_path / "tmp").mkdir()
    server = jupyter(federation=federation, env={"TMPDIR": str(temporary)})
    assert list(temporary.glob("first-*/batches"))
    server.process.send_signal(signal.SIGINT)
    server.process.wait(60)
    assert not server.runtime_file.exists()
    assert list(temporary.glob("first-*")) == []


def start(server):
    """Have a model on its way that never arrives."""
    server.post("models/start", model="lab/never-ready")
    wait_until(lambda: any("never" in words for words in server.processes().values()), 60)
