"""The Hub's culler ends servers that nobody uses, and waits where an answer is being written."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from jupyter_process import wait_until
from slow import MODEL

pytestmark = pytest.mark.hub

TIMEOUT = "--timeout=5"
ASKED = {"model": MODEL, "messages": [{"role": "user", "content": "Go on."}], "stream": True}


@pytest.fixture
def culler(hub):
    """Have the Hub's own culler, with its rights, wait for seconds in place of an hour."""
    (pid,) = (pid for pid, words in hub.processes().items() if "jupyterhub_idle_culler" in words)
    command = Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
    env = dict(entry.split("=", 1) for entry in Path(f"/proc/{pid}/environ").read_text().split("\0") if entry)
    quick = [TIMEOUT if word.startswith("--timeout") else word for word in command]
    process = subprocess.Popen([*quick, "--cull-every=1"], env=env)
    yield process
    process.kill()
    process.wait()


def test_a_server_is_culled_once_nothing_is_streamed_and_not_before(culler, hub, ada, bob):
    """Ada's is culled twice meanwhile; the stream is on the kernels' port, past the proxy."""
    asked = {"content": json.dumps(ASKED)}
    with (
        bob.kernels_port(bob.key) as port,
        port.stream("POST", "first/v1/chat/completions", **asked) as answer,
    ):
        words = answer.iter_lines()
        assert next(words).startswith("data:")
        for _ in range(2):
            ada.start()
            wait_until(lambda: not ada.runs, 60, lambda: hub.log)
        assert bob.runs
        assert next(line for line in words if line).startswith("data:")
    wait_until(lambda: not bob.runs, 60, lambda: hub.log)
    wait_until(lambda: not bob.runtime_files, 60)
