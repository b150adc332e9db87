"""Daemons of a test: started in a session of their own, ended with all that they started."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

__all__ = ["Daemon", "free_ports", "in_session", "wait_for"]


class Daemon:
    """One process in the foreground of a session of its own, its output in a file."""

    def __init__(self, argv: Sequence[str | Path], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.log = log
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                [str(word) for word in argv],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=dict(os.environ if env is None else env),
                start_new_session=True,
            )
        self.pid = self._process.pid

    def has_ended(self) -> bool:
        """Say whether it is gone."""
        return self._process.poll() is not None

    def send(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def stop(self, grace: float = 20.0) -> None:
        """End it, and whatever is left of its session."""
        if not self.has_ended():
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace)
        for pid in in_session(self.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()


def in_session(session: int) -> Iterator[int]:
    """Yield the processes of a session."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ProcessLookupError):
                if os.getsid(int(entry.name)) == session:
                    yield int(entry.name)


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback interface that nobody listens on, all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def wait_for(condition: Callable[[], object], seconds: float, log: Path, *daemons: Daemon) -> None:
    """Wait until a condition holds; show the end of the log if it does not, or a daemon has ended."""
    until = time.monotonic() + seconds
    while not condition():
        over = time.monotonic() > until or any(daemon.has_ended() for daemon in daemons)
        assert not over, f"{log}:\n{log.read_text(errors='replace')[-3000:]}"
        time.sleep(0.1)
