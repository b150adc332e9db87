"""The GPUs that this node's part of a job was given, and their division among several models."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["allocated", "only", "shares"]

VISIBLE = ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK")
NONE = ("", "-1", "NoDevFiles")
LISTED = re.compile(r"^GPU (\d+):", re.MULTILINE)
PATIENCE = 20.0


def allocated(env: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the GPUs that a process with this environment may use, none on a node without.

    A variable that names the visible ones is believed first, also where it is empty; then Slurm's word on the
    job, then ``nvidia-smi``, which lists what the node has.

    Parameters
    ----------
    env
        The environment, with the scheduler's variables.
    """
    for name in VISIBLE:
        if name in env:
            return _named(env[name])
    if "SLURM_JOB_GPUS" in env:
        return _named(env["SLURM_JOB_GPUS"])
    if "SLURM_GPUS_ON_NODE" in env:
        return _counted(env["SLURM_GPUS_ON_NODE"])
    return _listed(env)


def only(env: Mapping[str, str], devices: Sequence[str]) -> dict[str, str]:
    """Return what to add to the environment, so that a process sees these of the GPUs alone."""
    variable = next((name for name in VISIBLE if name in env), VISIBLE[0])
    return {variable: ",".join(devices)}


def shares(devices: Sequence[str], wanted: Sequence[int | None]) -> list[tuple[str, ...]]:
    """Divide a node's GPUs among several models, in their order.

    Parameters
    ----------
    devices
        What there is; where there is none, nobody gets any.
    wanted
        How many each model takes. Those with None get equal parts of the rest, the first ones one more where
        it does not come out even.

    Raises
    ------
    ValueError
        If there are fewer than the models need.
    """
    if not devices:
        return [() for _ in wanted]
    left = len(devices) - sum(each for each in wanted if each is not None)
    open_ended = sum(each is None for each in wanted)
    if left < open_ended:
        raise ValueError(
            f"these {len(wanted)} models need at least {len(devices) - left + open_ended} GPUs and this node "
            f"has {len(devices)}: lower their gpus, or ask for more in the endpoint's configuration"
        )
    part, over = divmod(left, open_ended) if open_ended else (0, 0)
    found, rest = [], list(devices)
    for each in wanted:
        if each is None:
            size, over = part + (over > 0), over - 1
        else:
            size = each
        found.append(tuple(rest[:size]))
        rest = rest[size:]
    return found


def _named(names: str) -> tuple[str, ...]:
    """Read a list of devices, up to the first that is none, where CUDA stops too."""
    found: list[str] = []
    for name in (each.strip() for each in names.split(",")):
        if name in NONE:
            break
        found.append(name)
    return tuple(found)


def _counted(words: str) -> tuple[str, ...]:
    """Name the devices by their numbers, where Slurm tells how many there are: ``4`` or ``gpu:a100:4``."""
    count = words.partition("(")[0].rpartition(":")[2]
    return tuple(str(number) for number in range(int(count))) if count.isdigit() else ()


def _listed(env: Mapping[str, str]) -> tuple[str, ...]:
    try:
        listing = subprocess.run(
            ["nvidia-smi", "-L"],  # noqa: S607
            capture_output=True,
            text=True,
            env=dict(env),
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(LISTED.findall(listing.stdout)) if listing.returncode == 0 else ()
