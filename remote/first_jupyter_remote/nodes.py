"""The nodes of this job, and how a command is started on the others."""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from . import devices
from .addresses import interfaces, ordered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["NodesError", "Peer", "Place", "hosts", "launcher", "place"]

LIMIT = "FIRST_NODES"
"""How many of a job's nodes one replica takes; all where it is not set."""
TASKS = ("SLURM_STEP_NUM_TASKS", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE")
PATIENCE = 30.0


class NodesError(Exception):
    """The job's nodes cannot be told; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Another node of the job.

    Parameters
    ----------
    host
        Its name, as the scheduler calls it.
    launcher
        What stands before a command that shall run there.
    address
        Its IP address, where this node knows it.
    """

    host: str
    launcher: tuple[str, ...]
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where an inference server runs.

    Parameters
    ----------
    gpus
        The GPUs that it may use on each node.
    host
        A name or an address of this node that the others reach.
    address
        This node's IP address, where the others reach it.
    peers
        The further nodes.
    """

    gpus: tuple[str, ...] = ()
    host: str = ""
    address: str | None = None
    peers: tuple[Peer, ...] = ()


def place(env: Mapping[str, str]) -> Place:
    """Return the GPUs and the nodes that a process with this environment was given.

    Raises
    ------
    NodesError
        If the job has several nodes and the scheduler does not name them.
    """
    gpus = devices.allocated(env)
    here, *others = hosts(env)
    if not others:
        return Place(gpus)
    peers = tuple(Peer(host, launcher(env, host), _address(host)) for host in others)
    address = _address(here)
    fastest = next(iter(ordered([], interfaces())), None)
    return Place(gpus, here if address else fastest or here, address or fastest, peers)


def hosts(env: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the nodes that one replica may use, this one first.

    Slurm's nodes come from ``SLURM_JOB_NODELIST``, PBS's from the file that ``PBS_NODEFILE`` names. A process
    that is one of several tasks was started once for each node, and has this one alone.

    Raises
    ------
    NodesError
        If they cannot be told.
    """
    here = env.get("SLURMD_NODENAME") or socket.gethostname()
    limit = env.get(LIMIT, "")
    if limit == "1" or any(env.get(name, "1") not in {"", "1"} for name in TASKS):
        return (here,)
    found = dict.fromkeys(_slurm(env) or _pbs(env))
    own = next((name for name in found if _short(name) == _short(here)), None)
    if own is None:
        if found:
            raise NodesError(
                f"this node calls itself {here}, and the job's nodes are {', '.join(found)}: "
                f"set {LIMIT}=1 to serve on this node alone"
            )
        return (here,)
    names = (own, *(name for name in found if name != own))
    return names[: int(limit)] if limit.isdigit() else names


def launcher(env: Mapping[str, str], host: str) -> tuple[str, ...]:
    """Return what stands before a command so that it runs on another node of the job, once.

    Slurm's step shares the job's resources with what runs already, and passes the environment on. PBS's nodes
    are reached with ``mpiexec``: ``-n`` and ``--hostfile`` are what HPE's PALS, Open MPI and Hydra all take.
    """
    if "SLURM_JOB_ID" in env:
        step = ("srun", "--overlap", "--nodes=1", "--ntasks=1", f"--nodelist={host}")
        return (*step, "--export=ALL", "--cpu-bind=none", "--kill-on-bad-exit=1", "--quiet")
    return ("mpiexec", "-n", "1", "--hostfile", str(_hostfile(host)))


def _slurm(env: Mapping[str, str]) -> Sequence[str]:
    if env.get("SLURM_JOB_NUM_NODES", "1") in {"", "1"} or not env.get("SLURM_JOB_NODELIST"):
        return ()
    command = ["scontrol", "show", "hostnames", env["SLURM_JOB_NODELIST"]]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, env=dict(env), timeout=PATIENCE, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise NodesError(
            f"the job's nodes cannot be told: {' '.join(command)}: {error}; "
            f"set {LIMIT}=1 to serve on this node alone"
        ) from error
    return answer.stdout.split()


def _pbs(env: Mapping[str, str]) -> Sequence[str]:
    if not env.get("PBS_NODEFILE"):
        return ()
    try:
        return Path(env["PBS_NODEFILE"]).read_text().split()
    except OSError as error:
        raise NodesError(
            f"the job's nodes cannot be told: {env['PBS_NODEFILE']}: {error.strerror}; "
            f"set {LIMIT}=1 to serve on this node alone"
        ) from error


def _short(name: str) -> str:
    return name.partition(".")[0].lower()


def _address(host: str) -> str | None:
    """Return a node's IP address, unless it is one that only the node itself can reach."""
    with contextlib.suppress(OSError):
        address = socket.gethostbyname(host)
        return None if address.startswith("127.") else address
    return None


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="first-nodes-")


def _hostfile(host: str) -> Path:
    """Return a file that names one node; it goes when this process does."""
    path = Path(_folder().name) / _short(host)
    path.write_text(f"{host}{os.linesep}")
    return path
