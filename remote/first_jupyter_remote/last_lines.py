"""The end of a log in a size that may travel, without the secrets that are known here: plain values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .process import ACCESS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["last_lines", "secrets_of"]

LINES = 20
BYTES = 4096
WIDTH = 500
HIDDEN = "***"
NAMES = re.compile(r"TOKEN|KEY|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
"""Environment variables that are called so hold secrets."""
SHORTEST = 8
"""Characters of a secret at least: words such as ``false`` would be blotted out wherever they stand."""
GIVEN_AWAY = re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)|(?<=Bearer )[\w.~+/=-]+")
"""A password in a URL, and a key in a header."""


def secrets_of(env: Mapping[str, str]) -> set[str]:
    """Return what an environment holds that nobody else may read."""
    return {value for name, value in env.items() if NAMES.search(name) and len(value) >= SHORTEST}


def last_lines(log: Iterable[str], secrets: Iterable[str]) -> tuple[str, ...]:
    """Return the last lines of a log: at most 20, at most 4 KB, secrets blotted out.

    Parameters
    ----------
    log
        The lines; those that tell of a request alone are left out.
    secrets
        What must not be in them.
    """
    lines = [line for line in log if ACCESS not in line][-LINES:]
    # The longest first: one secret may be the beginning of another.
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        lines = [line.replace(secret, HIDDEN) for line in lines]
    lines = [GIVEN_AWAY.sub(HIDDEN, line)[:WIDTH] for line in lines]
    kept, room = [], BYTES
    for line in reversed(lines):
        room -= len(line.encode(errors="replace")) + 1
        if room < 0:
            break
        kept.append(line)
    return tuple(reversed(kept))
