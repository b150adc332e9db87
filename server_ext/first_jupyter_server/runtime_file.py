"""The file by which processes that no session started find this server, such as a terminal or nbconvert."""

from __future__ import annotations

import contextlib
import json
import os
import weakref
from pathlib import Path
from typing import Any

__all__ = ["RuntimeFile"]


class RuntimeFile:
    """``first-<pid>.json`` in Jupyter's runtime folder, readable by its owner alone.

    Parameters
    ----------
    folder
        Jupyter's runtime folder.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"first-{os.getpid()}.json"
        # Also where Jupyter ends without a word to its extensions, as by the SIGINT of a JupyterHub.
        self._tidy = weakref.finalize(self, _remove, self.path)

    def write(self, content: dict[str, Any]) -> None:
        """Write it, whole or not at all.

        Raises
        ------
        OSError
            Where it cannot be written.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(".tmp")
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"pid": os.getpid(), **content}, file)
        draft.replace(self.path)

    def remove(self) -> None:
        """Remove it, if it is there."""
        self._tidy()


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
