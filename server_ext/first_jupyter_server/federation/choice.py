"""The user's current choice of a model, kept over restarts."""

from __future__ import annotations

import json
import os
from pathlib import Path

__all__ = ["read_choice", "write_choice"]


def read_choice(path: Path) -> str | None:
    """Return the model chosen last; None where there is none or the file cannot be read."""
    try:
        model = json.loads(path.read_text(encoding="utf-8"))["model"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return model if isinstance(model, str) else None


def write_choice(path: Path, model: str) -> None:
    """Write the choice down, whole or not at all; blocks, so not for the event loop.

    Raises
    ------
    OSError
        Where it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    draft.write_text(json.dumps({"model": model}), encoding="utf-8")
    draft.replace(path)
