"""What is known about a site before anybody says a word: one small TOML file a site."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

__all__ = ["SCHEDULERS", "DeployError", "Profile", "Queue", "load", "names"]

FOLDER = Path(__file__).with_name("profiles")
SCHEDULERS = ("slurm", "pbs", "local")


class DeployError(Exception):
    """The endpoint cannot be written; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Queue:
    """What one queue, partition or QOS allows.

    Parameters
    ----------
    walltime
        The longest job, ``HH:MM:SS``.
    min_nodes, max_nodes
        How many nodes a job may have.
    max_replicas
        How many jobs one user may have there at once.
    chunk
        What the scheduler counts: ``node``, or ``gpu`` where a job is made of single GPUs.
    gpu_choices
        The numbers of GPUs that may be asked for, where not all may.
    note
        What the one who deploys has to know.
    """

    walltime: str | None = None
    min_nodes: int = 1
    max_nodes: int | None = None
    max_replicas: int | None = None
    chunk: str = "node"
    gpu_choices: tuple[int, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """One site.

    Parameters
    ----------
    name, title
        What it is called on the command line, and in sentences.
    scheduler
        ``slurm``, ``pbs`` or ``local``.
    account_required, account_pattern, account_note
        Whether a job needs an account, what it should look like, and why.
    gpus, cpus
        What a node has; cpus is None where the scheduler knows best.
    exclusive
        Whether a job has its nodes for itself.
    gpu_request
        How GPUs are asked for in Slurm: ``gres`` or ``gpus-per-node``.
    select_options
        What follows the CPUs in a PBS chunk; ``{gpus}`` stands for the number of GPUs.
    queue, queue_is
        The default queue, and what it is in Slurm: ``partition`` or ``qos``.
    constraint
        Slurm's constraint.
    options
        Further options for the job script, without ``#SBATCH`` or ``#PBS``.
    max_replicas
        How many jobs one user may have at once.
    command_timeout
        Seconds that a scheduler's command may take.
    interface, host
        Where compute nodes reach the login node.
    heartbeat_period, heartbeat_threshold
        Seconds between a node's signs of life, and after which it is taken for lost.
    environment
        Variables for the login node and the jobs.
    queues
        The queues' limits.
    """

    name: str
    title: str
    scheduler: str
    account_required: bool = False
    account_pattern: str = ""
    account_note: str = ""
    gpus: int = 0
    cpus: int | None = None
    exclusive: bool = True
    gpu_request: str = "gres"
    select_options: str = ""
    queue: str | None = None
    queue_is: str = "partition"
    constraint: str | None = None
    options: tuple[str, ...] = ()
    max_replicas: int = 4
    command_timeout: int = 60
    interface: str | None = None
    host: str | None = None
    heartbeat_period: int = 10
    heartbeat_threshold: int = 60
    environment: dict[str, str] = field(default_factory=dict)
    queues: dict[str, Queue] = field(default_factory=dict)

    @classmethod
    def from_toml(cls, name: str, data: dict[str, Any]) -> Self:
        """Build one from a file's contents; sections are for the reader and are flattened."""
        flat: dict[str, Any] = {}
        for key, value in data.items():
            flat |= value if key in ("node", "job", "network", "timing") else {key: value}
        queues = {queue: _build(Queue, limits, queue) for queue, limits in flat.pop("queues", {}).items()}
        profile: Self = _build(cls, {"name": name, **flat, "queues": queues}, name)
        if profile.scheduler not in SCHEDULERS:
            raise DeployError(f"profile {name}: scheduler is one of {', '.join(SCHEDULERS)}.")
        return profile


def names() -> list[str]:
    """Return the profiles that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str) -> Profile:
    """Return a profile by its name, or by the path of a TOML file."""
    path = FOLDER / f"{name}.toml"
    if name not in names():
        path = Path(name).expanduser()
        if path.suffix != ".toml" or not path.is_file():
            raise DeployError(
                f"there is no profile {name!r}. There are: {', '.join(names())}. "
                "A path takes a TOML file of your own."
            )
    try:
        return Profile.from_toml(path.stem, tomllib.loads(path.read_text()))
    except (tomllib.TOMLDecodeError, OSError, UnicodeDecodeError) as error:
        raise DeployError(f"the profile {path} cannot be read: {error}.") from error


def _build(kind: Any, values: dict[str, Any], where: str) -> Any:
    known = {f.name for f in dataclasses.fields(kind)}
    if unknown := sorted(values.keys() - known):
        raise DeployError(
            f"profile {where}: unknown key {', '.join(unknown)}. Known: {', '.join(sorted(known))}."
        )
    missing = [
        f.name
        for f in dataclasses.fields(kind)
        if f.default is dataclasses.MISSING
        and f.default_factory is dataclasses.MISSING
        and f.name not in values
    ]
    if missing:
        raise DeployError(f"profile {where}: {', '.join(missing)} is missing.")
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})
