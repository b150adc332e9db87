"""A command on a leash: started, its output kept in bounds, ended."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from .memory import Witness

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .log import Log

__all__ = ["Process"]

LEASH = Path(__file__).with_name("leash.py")
LINE_LIMIT = 8192
LINE_END = re.compile(rb"[\r\n]+")


class Process:
    """One command on a leash: it and all its descendants end when this process does, however that comes.

    Parameters
    ----------
    argv
        The command.
    env
        Its whole environment.
    log
        Where its output goes, line by line.
    on_line
        Called with each line, in the thread that reads them.
    on_end
        Called when its output ends, in the same thread.
    """

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        log: Log,
        on_line: Callable[[str], None] = lambda _: None,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        self._log, self._on_line, self._on_end = log, on_line, on_end
        self._witness: Witness | None = Witness()
        self._popen = subprocess.Popen(
            [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), *argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(env),
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name="first-log", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The leash's process id, which is its process group's too."""
        return self._popen.pid

    def poll(self) -> int | None:
        """Return the exit code once the command has ended, negative where a signal ended it, else None."""
        if self._popen.returncode is None:
            if not self._has_ended():
                return None
            # The leash has left nothing behind, unless it was killed itself. Nobody else is given its number
            # before it is reaped.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            self._popen.wait()
            self._reader.join(timeout=1)
            if self._witness and (line := self._witness.line(self._code() or 0)):
                self._log.add(line)
        return self._code()

    def _code(self) -> int | None:
        code = self._popen.returncode
        return 128 - code if code is not None and code > 128 else code

    def _has_ended(self) -> bool:
        if not hasattr(os, "waitid"):
            return self._popen.poll() is not None
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True

    def terminate(self) -> None:
        """Ask the command to end."""
        if self.poll() is None:
            self._popen.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the command and all that it started, now."""
        self._witness = None
        if self._popen.stdin and not self._popen.stdin.closed:
            self._popen.stdin.close()
        if self._wait(4.0):
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._wait(2.0)

    def _wait(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while self.poll() is None:
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        return True

    def _read(self) -> None:
        pending = b""
        assert self._popen.stdout is not None  # noqa: S101
        file = self._popen.stdout.fileno()
        while chunk := os.read(file, 65536):
            *lines, pending = LINE_END.split(pending + chunk)
            if len(pending) > LINE_LIMIT:
                lines, pending = [*lines, pending], b""
            for line in lines:
                self._take(line)
        self._take(pending)
        self._popen.stdout.close()
        self._on_end()

    def _take(self, line: bytes) -> None:
        text = line.decode(errors="replace").strip()
        if text:
            self._log.add(text)
            self._on_line(text)
