"""Processes of this machine as tests look at them, and waiting for what becomes of them."""

from __future__ import annotations

import time
from pathlib import Path

__all__ = ["command", "descendants", "is_alive", "running", "wait_for", "wait_for_end"]


def wait_for(condition, timeout=60.0):
    """Return the condition's first true value."""
    end = time.monotonic() + timeout
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
    return found


def is_alive(pid):
    """Say whether there is such a process, and it has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for_end(pids):
    """Wait until none of the processes is left."""
    wait_for(lambda: not any(is_alive(pid) for pid in pids))


def command(pid):
    """Return a process's command line, nothing where there is no such process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def running(*words):
    """Return the processes whose command line holds all these words."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if all(word in command(pid) for word in words)]


def descendants(pid):
    """Return the processes below one, without leashes and their guards, as {pid: command line}."""
    found, new = {}, [pid]
    while new:
        listing = Path(f"/proc/{new[-1]}/task").glob("*/children")
        below = [int(child) for file in listing for child in file.read_text().split()]
        new = [*new[:-1], *below]
        for child in below:
            line = command(child)
            if "leash.py" not in line and "end_of_file" not in line:
                found[child] = line
    return found
