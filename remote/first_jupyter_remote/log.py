"""The log of an inference server: a file in bounds, and its last lines in memory, both without secrets."""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from typing import TYPE_CHECKING

from .last_lines import ACCESS, blotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

__all__ = ["Log"]

LOG_LIMIT = 5_000_000


class Log:
    """A log file, readable by its owner alone and limited in size, whose last lines are kept in memory too.

    A disk that is full costs lines in the file and nothing else.

    Parameters
    ----------
    path
        The file; without one there is memory alone.
    limit
        Its size in bytes from which on it is put aside.
    secrets
        What is blotted out in each line before anybody can read it; more may be added.
    form
        Makes of a line what is written into the file.
    """

    def __init__(
        self,
        path: Path | None = None,
        limit: int = LOG_LIMIT,
        secrets: Iterable[str] = (),
        form: Callable[[str], str] = str,
    ) -> None:
        self.path = path
        self._form = form
        self.limit = limit
        self.secrets = set(secrets)
        self.tail: deque[str] = deque(maxlen=400)
        self.heard = float("-inf")
        """When the last line came, by the monotonic clock. That a request came is no sign of work."""

    def add(self, line: str) -> None:
        """Append one line."""
        line = blotted(line, self.secrets)
        self.tail.append(line)
        if ACCESS not in line:
            self.heard = time.monotonic()
        if self.path is None:
            return
        with contextlib.suppress(OSError):
            if self.path.exists() and self.path.stat().st_size > self.limit:
                self.path.replace(self.path.with_name(f"{self.path.name}.1"))
            file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(file, f"{self._form(line)}\n".encode(errors="replace"))
            finally:
                os.close(file)
