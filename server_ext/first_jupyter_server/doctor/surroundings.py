"""Checks of what is around: folders that can be written and are ours alone, room on the disk, proxies."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # not in typeshed

from first_jupyter_remote.protocol.finding import Finding, fail, ok, warn

from first_jupyter_server.data_folder import DataFolderError, format_of

from .subject import Subject

__all__ = ["check_data_folder", "check_proxy", "check_room", "check_runtime_folder"]

SCARCE, TIGHT = 100 * 2**20, 2**30
"""Bytes below which the disk is as good as full, and below which somebody should look."""

PROBE = 2**20
"""Bytes that are written to see whether they can be: a quota shows in no other way."""


def check_runtime_folder(subject: Subject) -> Finding:
    """See whether kernels and terminals can be told where the server is, and nobody else can."""
    folder = subject.runtime
    if why := _cannot_write(folder, 1):
        return fail(f"{folder}: {why}", "Make it writable, or set JUPYTER_RUNTIME_DIR to a folder of yours.")
    if open_to := [each for each in (folder, subject.data) if each.exists() and each.stat().st_mode & 0o022]:
        named = " ".join(map(str, open_to))
        return fail(f"others may write to {named}", f"chmod go-w {named}; keys lie there.")
    return ok(str(folder))


def check_data_folder(subject: Subject) -> Finding:
    """See whether this release reads what is kept there."""
    try:
        number = format_of(subject.data)
    except DataFolderError as error:
        return fail(str(error), "See there. Until then Jupyter keeps nothing beyond its own end.")
    return ok(f"{subject.data}, format {number}" if number else f"{subject.data}, not used yet")


def check_room(subject: Subject) -> Finding:
    """See whether the data folder can take what is to be kept."""
    folder = subject.data
    if why := _cannot_write(folder, PROBE):
        return fail(
            f"{folder}: {why}",
            "Free some space or raise the quota, or set FirstApp.data_dir to another folder.",
        )
    free = shutil.disk_usage(_nearest(folder)).free
    found = f"{free / 2**20:,.0f} MB free at {folder}"
    if free < TIGHT:
        judge = fail if free < SCARCE else warn
        return judge(found, "Free some space: what cannot be written, such as the usage, is dropped.")
    return ok(found)


def _nearest(folder: Path) -> Path:
    """Return a folder, or the nearest one above it that exists."""
    return next(each for each in (folder, *folder.parents) if each.exists())


def _cannot_write(folder: Path, size: int) -> str:
    """Return why a file of so many bytes cannot be written there; nothing where it can."""
    try:
        with tempfile.TemporaryFile(dir=_nearest(folder)) as file:
            file.write(bytes(size))
            file.flush()
    except OSError as error:
        return str(error.strerror or error)
    return ""


def check_proxy(subject: Subject) -> Finding:
    """See whether a proxy would be asked for what is on this machine."""
    told = {name.lower(): value for name, value in subject.environment.items() if value}
    proxies = [name for name in ("http_proxy", "all_proxy") if name in told]
    if not proxies:
        return ok("none for HTTP")
    # Without a list, urllib asks the process's own environment.
    if proxy_bypass_environment("127.0.0.1", {"no": told.get("no_proxy", "none.invalid")}):
        return ok(f"{told[proxies[0]]}, not for 127.0.0.1")
    return warn(
        f"{proxies[0]} is set and NO_PROXY does not name 127.0.0.1; kernels are told so, terminals are not",
        "export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost",
    )
