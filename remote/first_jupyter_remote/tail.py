"""The end of a replica's log as it is now, whether it runs or has ended."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .last_lines import blotted, last_lines, secrets_of
from .protocol.log_line import message_of
from .records import look_up

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["tail"]

READ = 262_144
"""Bytes at the end of the file that are looked at: many lines may tell of requests alone."""
LINES, BYTES = 100, 16_384


def tail(home: str, replica: str) -> dict[str, Any]:
    """Return the last lines of a replica's log: at most 100, at most 16 KB.

    Parameters
    ----------
    home
        The folder of records and logs.
    replica
        Its id.

    Returns
    -------
    dict
        ``lines``, none where there is no log yet, and the ``file`` that has all of them.
    """
    place, record = look_up(home, replica)
    path = place / f"{replica}.log"
    # Node agents of this release blot secrets out as they write; those of an earlier one did not.
    secrets = secrets_of(os.environ) | ({record.key} if record is not None and record.key else set())
    lines = [blotted(message_of(line), secrets) for line in _end(path)]
    return {"lines": list(last_lines(lines, LINES, BYTES)), "file": str(path)}


def _end(path: Path) -> list[str]:
    """Return the lines at the end of a file; none where it cannot be read."""
    try:
        with path.open("rb") as file:
            begin = max(0, file.seek(0, os.SEEK_END) - READ)
            file.seek(begin)
            lines = file.read(READ).decode(errors="replace").splitlines()
    except OSError:
        return []
    return lines[1:] if begin else lines
