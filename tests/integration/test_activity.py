"""What keeps a server from being culled: an answer that is being written, on whichever port."""

from __future__ import annotations

import json
import os
import signal
import threading
from datetime import datetime

import httpx
import pytest
from campus import MODEL, Campus
from jupyter_process import Jupyter, free_port, wait_until

ASKED = {"model": MODEL, "messages": [{"role": "user", "content": "Hello."}]}


@pytest.fixture(scope="module")
def campus():
    """A server that takes four seconds for an answer."""
    server = Campus(free_port(), milliseconds=4_000)
    yield server
    server.kill()


@pytest.fixture(scope="module")
def server(campus, tmp_path_factory):
    federation = json.dumps({"clusters": {"campus": campus.section}})
    running = Jupyter(tmp_path_factory.mktemp("activity"), federation=federation)
    yield running
    running.close()


@pytest.fixture
def asking(server):
    """Have an answer written to a client of the kernels' port; it may not come whole."""

    def ask():
        with server.kernels_port() as client:
            try:
                client.post("first/v1/chat/completions", json=ASKED)
            except httpx.TransportError:
                return

    client = threading.Thread(target=ask)
    client.start()
    wait_until(lambda: server.get("status")["dataplane"]["inflight"], 30)
    yield client
    client.join()


def last_activity(server):
    """Return what a JupyterHub is told."""
    with server.jupyters_port() as jupyter:
        said = jupyter.get("api/status", params={"no_track_activity": 1}).raise_for_status().json()
    return datetime.fromisoformat(said["last_activity"])


def test_an_answer_counts_for_as_long_as_it_is_being_written(server, asking):
    for _ in range(2):
        before = last_activity(server)
        wait_until(lambda before=before: last_activity(server) > before, 30)
    assert asking.is_alive()


def test_its_end_counts_and_after_it_nothing(server, asking):
    before = last_activity(server)
    asking.join()
    wait_until(lambda: not server.get("status")["dataplane"]["inflight"], 30)
    ended = last_activity(server)
    server.get("models")
    server.get("usage")
    assert before < ended == last_activity(server)


def test_nothing_is_being_written_once_the_data_plane_has_died(server, asking):
    os.kill(server.get("status")["dataplane"]["pid"], signal.SIGKILL)
    asking.join()
    assert server.get("status")["dataplane"]["inflight"] == 0
