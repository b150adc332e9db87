"""Whether a process was killed because memory was used up, as the kernel counts it for its control group.

See https://docs.kernel.org/admin-guide/cgroup-v2.html and, for version 1, .../cgroup-v1/memory.html.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path

__all__ = ["LEFT", "USED_UP", "Witness"]

PROC = Path("/proc/self/cgroup")
ROOT = Path("/sys/fs/cgroup")
COUNTERS = ("memory.events", "memory.oom_control")
LIMITS = ("memory.max", "memory.limit_in_bytes")
ENDLESS = 1 << 60
"""From here on a limit stands for none."""
USED_UP = "node agent: killed for want of memory: "
LEFT = "node agent: killed, and not for want of memory"
"""What is written into a server's log; the first is followed by whose memory it was."""


class Witness:
    """Remembers how things stood when a process was started, and tells afterwards what killed it."""

    def __init__(self) -> None:
        self._group = own_group()
        self._before = self._group.kills() if self._group else None

    def line(self, code: int) -> str:
        """Return the line for the log of a process that ended with that code; nothing where nobody knows."""
        if self._group is None or self._before is None or code == 0:
            return ""
        after = self._group.kills()
        if after is not None and after > self._before:
            limit = self._group.limit
            return USED_UP + (f"its job's memory ({size(limit)})" if limit else "the machine's memory")
        return LEFT if code == -signal.SIGKILL and after is not None else ""


@dataclass(frozen=True, slots=True)
class Group:
    """A control group for memory.

    Parameters
    ----------
    counter
        The file that counts the processes that were killed in it for want of memory.
    limit
        How many bytes its processes may use, those of the groups around it included; None without a limit.
    """

    counter: Path
    limit: int | None

    def kills(self) -> int | None:
        """Return how many of its processes were killed for want of memory, None where nobody tells."""
        return kills(self.counter)


def own_group() -> Group | None:
    """Return the group of this process and of those that it starts, or the nearest around it that counts."""
    for top, folder in _places():
        # In a container the kernel may name a folder that only the machine sees; its mount is then the group.
        around = [each for each in (folder, *folder.parents) if each.is_relative_to(top)]
        counters = [each / name for each in around for name in COUNTERS]
        counter = next((file for file in counters if kills(file) is not None), None)
        if counter:
            limits = [limit for each in around for name in LIMITS if (limit := _limit(each / name))]
            return Group(counter, min(limits, default=None))
    return None


def _places() -> list[tuple[Path, Path]]:
    """Return where the group may be: the mount and the group's own folder."""
    try:
        lines = [line.split(":", 2) for line in PROC.read_text().splitlines()]
    except OSError:
        return []
    places = []
    for _, controllers, path in (line for line in lines if len(line) == 3):
        if "memory" in controllers.split(","):
            places.append((ROOT / "memory", ROOT / "memory" / path.lstrip("/")))
        elif not controllers:
            places.append((ROOT, ROOT / path.lstrip("/")))
    return places


def kills(counter: Path) -> int | None:
    """Read the line ``oom_kill`` of a group's file, which older kernels have not."""
    try:
        words = [line.split() for line in counter.read_text().splitlines()]
        return next((int(word[1]) for word in words if len(word) == 2 and word[0] == "oom_kill"), None)
    except (OSError, ValueError):
        return None


def _limit(file: Path) -> int | None:
    try:
        limit = int(file.read_text())
    except (OSError, ValueError):
        return None
    return limit if 0 < limit < ENDLESS else None


def size(number: int) -> str:
    """Return a number of bytes as people say it."""
    return f"{number / 2**30:.4g} GiB" if number >= 2**30 else f"{number / 2**20:.4g} MiB"
