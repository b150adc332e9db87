"""Checks of the disks: weights, the model hub's cache, room for what is downloaded."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from first_jupyter_remote.protocol.finding import fail, ok, warn
from first_jupyter_remote.weights import WeightsError, check

if TYPE_CHECKING:
    from first_jupyter_remote.protocol.finding import Finding

    from .subject import Subject

__all__ = ["check_hub", "check_room", "check_weights"]

GB = 10**9
ROOM = 20 * GB


def check_weights(subject: Subject) -> Finding:
    """See whether the weights can be read."""
    path = subject.spec.weights.path if subject.spec else None
    if path:
        try:
            there = check(Path(path).expanduser())
        except WeightsError as error:
            found, _, remedy = str(error).partition(". ")
            return fail(found, remedy)
        return ok(f"{there}, {_size(there) / GB:.1f} GB")
    models = subject.models_dir
    if not models:
        return ok("no folder given; weights come from the hub or a package")
    if not os.access(models, os.R_OK | os.X_OK):
        return fail(f"{models} cannot be read", "Correct --models-dir, or ask for the right to read it.")
    return ok(f"{models}, {len(list(models.iterdir()))} entries")


def check_hub(subject: Subject) -> Finding:
    """See whether a model that is named by its id will be found without the network."""
    variables = subject.environment
    home = Path(variables.get("HF_HOME") or "~/.cache/huggingface").expanduser()
    hub = Path(variables.get("HF_HUB_CACHE") or home / "hub")
    offline = variables.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
    how = "offline" if offline else "online"
    spec = subject.spec
    if spec and spec.backend == "vllm" and not (spec.weights.path or spec.weights.package):
        if (hub / f"models--{spec.id.replace('/', '--')}").is_dir():
            return ok(f"{spec.id} is in {hub}, {how}")
        if offline:
            return fail(
                f"{spec.id} is not in {hub}, and HF_HUB_OFFLINE is set",
                f"Download it once, with a network: HF_HOME={home} HF_HUB_OFFLINE=0 hf download {spec.id}",
            )
        return warn(
            f"{spec.id} is not in {hub}",
            "Every first start downloads it; compute nodes need the network for that.",
        )
    if offline and not hub.is_dir():
        return warn(
            f"HF_HUB_OFFLINE is set and {hub} does not exist", "Only weights given by path will be found."
        )
    return ok(f"{hub}, {how}")


def check_room(subject: Subject) -> Finding:
    """See whether there is room for weights and logs, and whether jobs may write there."""
    cache = Path(subject.environment.get("FIRST_CACHE") or "~/.cache/first-jupyter").expanduser()
    place = cache
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    found = f"{free / GB:.0f} GB free at {cache}"
    if not os.access(place, os.W_OK):
        return fail(f"{place} cannot be written", "Set FIRST_CACHE to a folder that jobs may write.")
    if free < ROOM:
        return warn(found, "Weights of a large model need more: set FIRST_CACHE to a file system with room.")
    return ok(found)


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.iterdir() if file.is_file())
