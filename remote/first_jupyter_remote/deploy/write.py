"""Puts the files into their folder: all of them or none, readable by their owner alone."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from .profile import DeployError

__all__ = ["write"]


def write(folder: Path, texts: dict[str, str], *, force: bool = False) -> list[Path]:
    """Write the files and return those that were replaced, as they are called now.

    A new folder appears complete or not at all. In an existing one, which takes ``force``, only these files
    change: the endpoint's identity and logs stay, and what was there before is kept as ``NAME.old``.
    """
    there = os.path.lexists(folder)
    if there and not force:
        raise DeployError(
            f"{folder} exists already. Give another name or --out, or --force to write its files anew "
            "(the endpoint's identity stays, the old files are kept as *.old)."
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as name:
            fresh = Path(name) / "endpoint"
            fresh.mkdir(mode=0o700)
            for file, text in texts.items():
                _save(fresh / file, text)
            if not there:
                # Nothing can slip in between: a rename onto a folder with something in it fails.
                fresh.rename(folder)
                return []
            return _replace(folder, fresh, list(texts))
    except OSError as error:
        raise DeployError(f"cannot write {error.filename or folder}: {error.strerror}.") from error


def _replace(folder: Path, fresh: Path, names: list[str]) -> list[Path]:
    folder.chmod(0o700)
    replaced = []
    for name in names:
        target = folder / name
        if target.exists():
            old = target.with_name(f"{name}.old")
            shutil.copy2(target, old)
            old.chmod(0o600)
            replaced.append(old)
        (fresh / name).replace(target)
    return replaced


def _save(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
