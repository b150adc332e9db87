"""What was asked for, checked against what the site allows."""

from __future__ import annotations

import dataclasses
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .profile import DeployError, Profile, Queue

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

__all__ = ["Settings", "clock", "minutes", "settle"]

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:+-]*")
OPTION = re.compile(r"-[^\n{}]+")
WALLTIME = re.compile(r"(\d{1,4}):([0-5]\d)(?::([0-5]\d))?")
# What marks our jobs in the queue; a second of the kind would replace it.
MARK = re.compile(r"--comment\b|-v\b")
SHORTEST = 5
USUAL = 6 * 60


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the files of one endpoint are made from.

    Parameters
    ----------
    name
        The endpoint's name.
    profile, limits
        The site, and the queue's limits.
    accounts
        The accounts a user may choose from; the first is the default.
    queue
        The queue, partition or QOS.
    walltime
        The longest job in minutes; also the default.
    gpus, cpus, nodes
        What a job asks for on each node, and the most nodes one replica may take.
    options
        Further options for the job script.
    max_replicas
        How many jobs one user may have at once.
    venv
        The environment that holds globus-compute-endpoint.
    worker_init
        Shell lines that run in each job.
    interface, host
        Where compute nodes reach the login node.
    models_dir
        Where weights lie.
    allow
        The functions that may run; none means any.
    environment
        Variables for the login node and the jobs.
    """

    name: str
    profile: Profile
    limits: Queue
    accounts: tuple[str, ...]
    queue: str | None
    walltime: int
    gpus: int
    cpus: int | None
    nodes: int
    options: tuple[str, ...]
    max_replicas: int
    venv: Path
    worker_init: str
    interface: str | None
    host: str | None
    models_dir: Path | None
    allow: tuple[str, ...]
    environment: dict[str, str]

    def record(self) -> dict[str, Any]:
        """Return what ``first-remote doctor`` wants to know, as plain values."""
        kept = dataclasses.asdict(self)
        kept |= {"profile": self.profile.name, "scheduler": self.profile.scheduler, "venv": str(self.venv)}
        kept["queue_is"] = self.profile.queue_is
        kept["models_dir"] = str(self.models_dir) if self.models_dir else None
        return {key: value for key, value in kept.items() if key not in ("limits", "worker_init")}


def settle(
    profile: Profile,
    name: str,
    *,
    venv: Path,
    environment: dict[str, str],
    interfaces: Iterable[str],
    account: Sequence[str] = (),
    queue: str | None = None,
    walltime: str | None = None,
    gpus: int | None = None,
    cpus: int | None = None,
    nodes: int = 1,
    options: Sequence[str] = (),
    max_replicas: int | None = None,
    worker_init: str = "",
    address: str | None = None,
    models_dir: Path | None = None,
    allow: Sequence[str] = (),
) -> Settings:
    """Fill in what was not said and refuse what cannot work.

    ``interfaces`` are this machine's, and tell whether ``address`` is one of them or a host.
    """
    options = (*profile.options, *options)
    _check_words(name, (*account, queue, address), allow, options, worker_init)
    if profile.account_required and not account:
        raise DeployError(f"{profile.title} charges jobs to an account: give --account.")
    queue = queue or profile.queue
    limits = profile.queues.get(queue or "", Queue())
    interface, host = profile.interface, profile.host
    if address:
        interface, host = (address, None) if address in set(interfaces) else (None, address)
    gpus = profile.gpus if gpus is None else gpus
    if gpus < 0 or (limits.gpu_choices and gpus not in limits.gpu_choices):
        choices = ", ".join(map(str, limits.gpu_choices)) or "0 and more"
        raise DeployError(f"--gpus-per-node {gpus} is not possible here; possible: {choices}.")
    return Settings(
        name=name,
        profile=profile,
        limits=limits,
        accounts=tuple(account),
        queue=queue,
        walltime=_walltime(profile, queue, limits, walltime, nodes),
        gpus=gpus,
        cpus=cpus or profile.cpus,
        options=options,
        nodes=_nodes(queue, limits, nodes),
        max_replicas=max_replicas or limits.max_replicas or profile.max_replicas,
        venv=venv,
        worker_init=worker_init,
        interface=interface,
        host=host,
        models_dir=models_dir,
        allow=tuple(allow),
        environment=environment,
    )


def minutes(walltime: str) -> int:
    """Return ``HH:MM`` or ``HH:MM:SS`` in whole minutes."""
    found = WALLTIME.fullmatch(walltime)
    if not found:
        raise DeployError(f"{walltime!r} is no walltime: write HH:MM:SS, such as 06:00:00.")
    return int(found[1]) * 60 + int(found[2])


def clock(total: int) -> str:
    """Return minutes as ``HH:MM:SS``."""
    return f"{total // 60:02d}:{total % 60:02d}:00"


def _check_words(
    name: str, words: Sequence[str | None], allow: Sequence[str], options: Sequence[str], worker_init: str
) -> None:
    """Refuse what could mean something else to YAML, to Jinja or to a shell."""
    if not NAME.fullmatch(name):
        raise DeployError(f"{name!r} is no name for an endpoint: use letters, digits, '.', '_' and '-'.")
    for word in words:
        if word and not WORD.fullmatch(word):
            raise DeployError(f"{word!r} cannot be an account, a queue or an address.")
    for function in allow:
        try:
            uuid.UUID(function)
        except ValueError:
            raise DeployError(f"--allow takes a function's UUID, not {function!r}.") from None
    if odd := next((option for option in options if not OPTION.fullmatch(option)), None):
        raise DeployError(f"--job-option {odd!r} is not one line that begins with '-'.")
    if odd := next((option for option in options if MARK.match(option)), None):
        raise DeployError(
            f"The job option {odd!r} would take the mark off first-jupyter's jobs: "
            "leave it out, and export variables in a file for --worker-init."
        )
    if re.search(r"\{%[-+]?\s*endraw", worker_init):
        raise DeployError("the file of --worker-init may not contain Jinja's endraw.")


def _walltime(profile: Profile, queue: str | None, limits: Queue, walltime: str | None, nodes: int) -> int:
    longest = minutes(limits.walltime) if limits.walltime else None
    wanted = minutes(walltime) if walltime else min(USUAL, longest or USUAL)
    if wanted < SHORTEST:
        raise DeployError(f"a walltime of {walltime} ends before a model is loaded: give 00:05:00 or more.")
    if longest and wanted > longest:
        longer = [
            f"{name} ({queue.walltime})"
            for name, queue in profile.queues.items()
            if queue.walltime and minutes(queue.walltime) >= wanted and queue.min_nodes <= nodes
        ]
        elsewhere = f", or --queue {' or '.join(longer)}" if longer else ""
        raise DeployError(
            f"{queue} on {profile.title} allows {limits.walltime}: give --walltime {limits.walltime} or less"
            f"{elsewhere}."
        )
    return wanted


def _nodes(queue: str | None, limits: Queue, nodes: int) -> int:
    most = limits.max_nodes or nodes
    if not max(1, limits.min_nodes) <= nodes <= most:
        up_to = f" to {limits.max_nodes}" if limits.max_nodes else " or more"
        raise DeployError(f"{queue or 'a job'} takes {limits.min_nodes}{up_to} nodes, not {nodes}.")
    return nodes
