"""Runs a command on a leash for as long as a connection to another node lasts.

``tethered.py HOST PORT COMMAND...`` is run by its path, by a batch system's launcher. When HOST closes the
connection, or is gone, the command and all it started are ended. SIGTERM goes on to the command, and its
exit code is ours.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

LEASH = Path(__file__).with_name("leash.py")
PATIENCE = 60.0
LOOK_EVERY = 0.2


def connect(host: str, port: int) -> socket.socket:
    """Return a connection whose end is noticed also when the other node has lost its power."""
    try:
        connection = socket.create_connection((host, port), PATIENCE)
    except OSError as error:
        sys.exit(f"tether: {socket.gethostname()} cannot reach {host}:{port}: {error}")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, seconds in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), seconds)
    return connection


def is_cut(connection: socket.socket) -> bool:
    """Wait a moment; say whether the connection has ended."""
    if not select.select([connection], [], [], LOOK_EVERY)[0]:
        return False
    try:
        return not connection.recv(4096)
    except OSError:
        return True


def main(host: str, port: int, argv: list[str]) -> int:
    """Run the command to its end, or to the connection's."""
    connection = connect(host, port)
    leash = subprocess.Popen(
        [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), *argv],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    signal.signal(signal.SIGTERM, lambda *_: leash.send_signal(signal.SIGTERM))
    while leash.poll() is None:
        if is_cut(connection) and leash.stdin:
            leash.stdin.close()
            leash.wait()
    return leash.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
