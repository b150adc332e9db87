"""How to call pip, also from an environment that was made without it."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

__all__ = ["download_command"]


def download_command(package: str, folder: Path) -> tuple[list[str], dict[str, str]]:
    """Return the command, and its environment, that downloads one wheel into the folder."""
    env = {**os.environ, "TMPDIR": str(folder), "PYTHONSAFEPATH": "1"}
    if importlib.util.find_spec("pip") is None and (bundled := _bundled()):
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(bundled), env.get("PYTHONPATH")]))
    options = ["--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--progress-bar", "off"]
    options += ["--disable-pip-version-check", "--no-input", "--dest", str(folder)]
    return [sys.executable, "-m", "pip", "download", *options, "--", package], env


def _bundled() -> Path | None:
    """Return the wheel of pip that comes with Python; a wheel can be run without installing it."""
    spec = importlib.util.find_spec("ensurepip")
    if spec is None or spec.origin is None:
        return None
    return next(iter(Path(spec.origin).parent.glob("_bundled/pip-*.whl")), None)
