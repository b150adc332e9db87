"""``first.lock.json``: remembers which functions were registered with Globus Compute."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

__all__ = ["Lock"]


class Lock:
    """The file beside the federation file that remembers what was registered, by what it carries.

    Parameters
    ----------
    path
        Usually ``first.lock.json``; a missing or broken one remembers nothing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, digest: str) -> str | None:
        """Return the id of the function that carries this."""
        found = self._read().get("functions", {}).get(digest)
        return str(found["id"]) if found else None

    def put(self, digest: str, function: str, version: str) -> None:
        """Remember a function.

        Raises
        ------
        OSError
            Where the file cannot be written.
        """
        data = self._read()
        data.setdefault("functions", {})[digest] = {"id": function, "version": version}
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
        draft.replace(self.path)

    def _read(self) -> dict[str, Any]:
        try:
            data = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return data if isinstance(data, dict) else {}
