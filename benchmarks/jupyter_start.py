"""How long a Jupyter server takes until it answers, with our extension and without it."""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import procs
from targets import free_port

__all__ = ["measure"]

PAUSE = 0.002
PATIENCE = 60


def measure(rounds: int) -> tuple[float, float]:
    """Start servers by turns; return in milliseconds what the extension adds, and the time without it."""
    added, without = [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(-1, rounds):  # the first turns fill the disk's cache
            order = ((True, False), (False, True))[number % 2]
            took = {ours: once(Path(folder), ours=ours) for ours in order}
            if number >= 0:
                added.append(1000 * (took[True] - took[False]))
                without.append(1000 * took[False])
    return statistics.median(added), statistics.median(without)


def once(home: Path, *, ours: bool) -> float:
    """Start one server; return the seconds until it answered."""
    port = free_port()
    folders = {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    command = [
        *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
        *(f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={home}"),
        "--IdentityProvider.token=benchmark",
        f"--ServerApp.jpserver_extensions=first_jupyter_server={ours}",
    ]
    began = time.perf_counter()
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            command, env=os.environ | folders, stdin=subprocess.DEVNULL, stderr=log, text=True
        )
    try:
        while not answers(port):
            if process.poll() is not None or time.perf_counter() - began > PATIENCE:
                raise RuntimeError((home / "log").read_text())
            time.sleep(PAUSE)
        return time.perf_counter() - began
    finally:
        procs.end(process)


def answers(port: int) -> bool:
    """Ask for ``/api/status``, and wait for the answer where somebody listens."""
    request = b"GET /api/status HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: token benchmark\r\n\r\n"
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as wire:
            wire.sendall(request)
            return wire.recv(12) == b"HTTP/1.1 200"
    except OSError:
        return False
