"""Who may open rooms at a relay: the file of access keys."""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Access", "read"]

SHORTEST = 32
_LINE = re.compile(r"(?P<name>[A-Za-z0-9._@-]+)\s+(?P<key>[\x21-\x7e]+)")


class Access:
    """The access keys of a relay.

    Parameters
    ----------
    keys
        Each one, by the name of whose it is.
    """

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._keys = {name: key.encode() for name, key in keys.items()}

    def __len__(self) -> int:
        return len(self._keys)

    def whose(self, shown: str) -> str | None:
        """Return whose key is shown, in a time that does not depend on where it differs from any."""
        found, asked = None, shown.encode()
        for name, key in self._keys.items():
            if hmac.compare_digest(key, asked):
                found = name
        return found


def read(file: Path) -> Access:
    """Read a file of lines ``NAME KEY``; empty lines and those that begin with ``#`` are left out.

    Raises
    ------
    ValueError
        Where it is not as it has to be; with what to do.
    OSError
        Where it cannot be read.
    """
    if file.stat().st_mode & 0o077:
        raise ValueError(f"others may read {file}: chmod 600 {file}")
    keys: dict[str, str] = {}
    for number, text in enumerate(file.read_text().splitlines(), 1):
        line = text.strip()
        if not line or line.startswith("#"):
            continue
        at = f"{file}, line {number}"
        if (found := _LINE.fullmatch(line)) is None:
            raise ValueError(f"{at}: write a name and a key, with a space between them")
        name, key = found["name"], found["key"]
        if len(key) < SHORTEST:
            raise ValueError(
                f"{at}: the key of {name} is shorter than {SHORTEST} characters: openssl rand -hex 32"
            )
        if name in keys or key in keys.values():
            raise ValueError(f"{at}: the name {name}, or its key, stands there already: give each its own")
        keys[name] = key
    if not keys:
        raise ValueError(
            f"{file} has no key: write a line with a name and a key, such as openssl rand -hex 32 makes"
        )
    return Access(keys)
