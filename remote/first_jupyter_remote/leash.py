"""Runs one command and sees to it that the command and all it started end with the process that asked for it.

``leash.py PARENT_PID COMMAND...`` is run by its path and takes a session of its own. Its input is the tether:
when that closes, or the parent is gone, everything below is ended. SIGTERM goes on to the command. When the
command ends, so do its leftovers, and the leash exits with its status. Should the leash be killed, Linux
kills the command, and a guard kills the rest of the process group.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PATIENCE = 1.0
GUARD = ["/bin/sh", "-c", "read -r end_of_file; kill -9 0"]
LINUX = sys.platform.startswith("linux")


def prctl(option: int, value: int) -> None:
    """Call Linux's prctl; elsewhere do nothing."""
    if LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def run(argv: list[str], leash: int) -> NoReturn:
    """Become the command, in the freshly forked child."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != leash:
        os._exit(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(argv[0], argv)  # noqa: S606
    except OSError as error:
        os.write(2, f"leash: cannot run {argv[0]!r}: {error.strerror}\n".encode())
    os._exit(127)


def post_guard() -> None:
    """Start a process that kills the process group when the end of a pipe tells it that the leash is gone."""
    read, write = os.pipe()
    if os.fork() == 0:
        os.dup2(read, 0)
        os.close(write)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        try:
            os.execv(GUARD[0], GUARD)  # noqa: S606
        finally:
            os._exit(1)
    os.close(read)


def below() -> list[int]:
    """Return the processes below this one; without Linux's /proc, those of its process group."""
    if not LINUX:
        listing = subprocess.run(
            ["/bin/ps", "-axo", "pid=,pgid="], capture_output=True, text=True, check=False
        )
        pairs = [line.split() for line in listing.stdout.splitlines()]
        return [int(pid) for pid, group in pairs if int(group) == os.getpgrp() and int(pid) != os.getpid()]
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found = list(children.get(os.getpid(), []))
    for pid in found:
        found.extend(children.get(pid, []))
    return found


def is_deaf(pid: int) -> bool:
    """Say whether a process ignores SIGTERM, as Python's resource tracker does, which tidies up last."""
    try:
        ignored = next(
            line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "SigIgn" in line
        )
    except (OSError, StopIteration):
        return False
    return bool(int(ignored.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def send(number: int, *, spare_deaf: bool = False) -> None:
    """Send a signal to everything below, however deep."""
    for pid in below():
        if not (spare_deaf and is_deaf(pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def end_all() -> None:
    """End everything below, and whoever comes up to us meanwhile; not before it had a moment to tidy up."""
    send(signal.SIGTERM)
    started = time.monotonic()
    while True:
        waited = time.monotonic() - started
        if waited >= PATIENCE:
            send(signal.SIGKILL, spare_deaf=waited < 2 * PATIENCE)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.01)


def reap(child: int) -> int | None:
    """Collect the dead; return the command's wait status if it is among them."""
    status = None
    try:
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == child:
                status = ended[1]
    except ChildProcessError:
        pass
    return status


def main(parent: int, argv: list[str]) -> int:
    """Run the command to its end; return the exit code, 128 and the signal's number where one ended it."""
    if os.getpgrp() != os.getpid():
        os.setsid()
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    read, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if LINUX else os.pipe()
    os.set_blocking(write, False)
    os.set_blocking(read, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    post_guard()
    # A SIGTERM that comes before the fork must not get lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    leash = os.getpid()
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        run(argv, leash)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})

    while True:
        ready, _, _ = select.select([0, read], [], [], 1.0)
        if read in ready:
            os.read(read, 4096)
        if (status := reap(child)) is not None:
            end_all()
            return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
        if (0 in ready and not os.read(0, 4096)) or os.getppid() != parent:
            end_all()
            return 128 + signal.SIGKILL


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
