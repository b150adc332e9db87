"""Where a server's key comes from: a variable or a file, never the federation file itself."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from logging import Logger
from pathlib import Path
from typing import Any

__all__ = ["KeyMissing", "KeySource", "take"]


class KeyMissing(Exception):  # noqa: N818  # it is told as what befell a cluster
    """A key that cannot be had; the message says why, and what to do now."""


def take(clusters: Iterable[Any], environ: MutableMapping[str, str]) -> dict[str, str]:
    """Return the environment, and take the keys that clusters name out of it: no kernel inherits them.

    Parameters
    ----------
    clusters
        Sections of the federation file.
    environ
        This process's environment.
    """
    whole = dict(environ)
    for cluster in clusters:
        environ.pop(getattr(cluster, "key_env", None) or "", None)
    return whole


@dataclass
class KeySource:
    """One server's key.

    Parameters
    ----------
    variable, file
        What holds it, where anything does.
    environment
        The server's environment.
    log
        Where it is told that others can read the file.
    """

    variable: str | None
    file: str | None
    environment: Mapping[str, str]
    log: Logger

    def __post_init__(self) -> None:
        self._warned = False

    @property
    def named(self) -> str:
        """What holds the key, as a person calls it; empty where there is none."""
        return self.variable or self.file or ""

    @property
    def remedy(self) -> str:
        """What makes another key known."""
        return f"put another into {self.named}" + (" and restart Jupyter" if self.variable else "")

    def read(self) -> str | None:
        """Return the key, None where the server needs none; reads a file, so not for the event loop.

        Raises
        ------
        KeyMissing
            Where it cannot be had.
        """
        if self.variable is not None:
            key = self.environment.get(self.variable, "").strip()
            if not key:
                raise KeyMissing(
                    f"the environment variable {self.variable}, which is to hold the key, is not set; "
                    "set it and restart Jupyter"
                )
        elif self.file is not None:
            key = self._from_file(Path(self.file).expanduser())
        else:
            return None
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise KeyMissing(f"{self.named} holds something that cannot be a key; {self.remedy}")
        return key

    def _from_file(self, path: Path) -> str:
        try:
            mode = path.stat().st_mode
            key = path.read_text(encoding="utf-8", errors="replace").strip()
        except OSError as error:
            raise KeyMissing(f"{path}, which is to hold the key, cannot be read ({error.strerror})") from None
        if mode & (stat.S_IRWXG | stat.S_IRWXO) and not self._warned:
            self._warned = True
            self.log.warning("Others can read the key in %s: chmod 600 %s", path, path)
        if not key:
            raise KeyMissing(f"{path}, which is to hold the key, is empty")
        return key
