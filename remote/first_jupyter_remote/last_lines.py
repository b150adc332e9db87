"""Lines of a log without the secrets that are known here, and its end in a size that may travel."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["ACCESS", "blotted", "last_lines", "secrets_of"]

ACCESS = " HTTP/1."
"""What lines have that tell of a request alone."""
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


def blotted(line: str, secrets: Iterable[str]) -> str:
    """Return a line with all that must not be in it blotted out."""
    # The longest first: one secret may be the beginning of another.
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        line = line.replace(secret, HIDDEN)
    return GIVEN_AWAY.sub(HIDDEN, line)


def last_lines(log: Iterable[str], most: int = LINES, size: int = BYTES) -> tuple[str, ...]:
    """Return the last lines of a log; those that tell of a request alone are left out.

    Parameters
    ----------
    log
        The lines.
    most, size
        How many at most, and how many bytes.
    """
    lines = [line[:WIDTH] for line in log if ACCESS not in line][-most:]
    kept, room = [], size
    for line in reversed(lines):
        room -= len(line.encode(errors="replace")) + 1
        if room < 0:
            break
        kept.append(line)
    return tuple(reversed(kept))
