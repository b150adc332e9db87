"""A server's last list of models, kept in a file: what it had is known also while it cannot be reached."""

from __future__ import annotations

import os
from logging import Logger
from pathlib import Path

from .asking import Said

__all__ = ["LastAnswer"]


class LastAnswer:
    """The file; blocks, so not for the event loop.

    Parameters
    ----------
    path
        Where it is kept.
    log
        Where it is told, once, that it cannot be.
    """

    def __init__(self, path: Path, log: Logger) -> None:
        self._path, self._log = path, log
        self._kept: bytes | None = None

    def read(self) -> tuple[Said, float] | None:
        """Return what an earlier server kept, and when it was told, in seconds since the epoch."""
        try:
            self._kept = self._path.read_bytes()
            return Said(200, body=self._kept), self._path.stat().st_mtime
        except OSError:
            return None

    def keep(self, said: Said) -> None:
        """Keep an answer; the file's time is when it came."""
        try:
            if said.body == self._kept:
                os.utime(self._path)
                return
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft = self._path.with_suffix(f".{os.getpid()}.tmp")
            draft.write_bytes(said.body)
            draft.replace(self._path)
        except OSError as error:
            if self._kept != b"":
                self._log.warning("What a server lists could not be written down: %s", error)
            self._kept = b""
        else:
            self._kept = said.body
