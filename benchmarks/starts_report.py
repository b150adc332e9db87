"""The figures of ``compute.py``, and the page that they make."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

import procs

__all__ = ["Found", "Idle", "Start", "document", "table"]


@dataclass
class Start:
    """One start through the whole lab, in seconds from the wish on.

    Parameters
    ----------
    begun
        Until the node agent ran: Globus Compute, Slurm and the job's own start.
    ready
        Until the node agent had its first answer.
    hot
        Until the server sent requests there.
    cpu
        The node agent's own CPU time from when it ran until it had its first answer.
    submissions
        What it took of Globus Compute, by role.
    """

    begun: float
    ready: float
    hot: float
    cpu: float
    submissions: dict[str, int]


@dataclass
class Idle:
    """What a warm replica costs that nobody uses.

    Parameters
    ----------
    memory
        Of its node agent, in MB.
    core
        The share of a core that its node agent takes.
    node
        The share of the node's core that anything takes, also other people's programs.
    """

    memory: float
    core: float
    node: float


@dataclass
class Found:
    """The figures of all rounds, and of the start before them that fills the caches."""

    first: float
    bare: list[float] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    idles: list[Idle] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)


def table(found: Found) -> str:
    """Return the figures beside their goals."""
    starts, ours = found.starts, [start.hot - start.begun for start in found.starts]
    sent = max(sum(start.submissions.values()) for start in starts)
    looks = max(start.submissions["control"] for start in starts)
    ratios = [took / alone for took, alone in zip(ours, found.bare, strict=True)]
    memory, core = max(idle.memory for idle in found.idles), max(idle.core for idle in found.idles)
    rows = [
        ("bare `vllm serve`, to its first answer", seconds(found.bare), ""),
        ("the same where its caches are empty, once", seconds([found.first]), ""),
        ("start to hot", seconds([start.hot for start in starts]), ""),
        ("of that: Globus Compute, Slurm and the job's own start", seconds([s.begun for s in starts]), ""),
        ("of that: the node agent, to its first answer", seconds([s.ready - s.begun for s in starts]), ""),
        ("of that: until the server knows", seconds([s.hot - s.ready for s in starts]), ""),
        ("the node agent's own CPU time until then", seconds([start.cpu for start in starts]), ""),
        ("start to hot without the scheduler, to bare", middle(ratios, ".2f"), "≤ 1.1"),
        ("submissions for a start", f"{sent}, of them {looks} looks", "≤ 3"),
        ("the agent of a warm replica: memory (PSS)", f"{memory:.0f} MB", "< 60 MB"),
        ("the agent of a warm replica: CPU", f"{100 * core:.2f} % of a core", "< 0.5 %"),
        ("from the lease's end to the job gone", seconds(found.ends), "< 60 s"),
    ]
    lines = ["| what | measured | goal |", "| --- | --- | --- |"]
    return "\n".join([*lines, *(f"| {what} | {value} | {goal} |" for what, value, goal in rows)])


def seconds(values: list[float]) -> str:
    """Return the median, and how far it goes."""
    return middle(values, ".1f", " s")


def middle(values: list[float], form: str, unit: str = "") -> str:
    """Return the median, and between which values it lies."""
    median = f"{statistics.median(values):{form}}{unit}"
    return f"{median} ({min(values):{form}} to {max(values):{form}})" if len(values) > 1 else median


def document(found: Found, options: str) -> str:
    """Return the whole page; the options are those that it was made with."""
    busy = 100 * statistics.median(idle.node for idle in found.idles)
    where = {"date": procs.today(), "machine": procs.machine()}
    return PAGE.format(options=options, table=table(found), busy=busy, **where)


PAGE = """\
# Benchmarks: starts on a cluster

Made by `python benchmarks/starts.py {options}` on {date}.
The machine: {machine}.

{table}

Medians over the rounds, the least and the most in brackets; of counts and idle costs the worst.

The Slurm, RabbitMQ, the Globus Compute agent and its SDK are the true ones, all on this machine; Globus'
hosted services are stood in for, with their limits. The model is SmolLM2-135M on vLLM for CPUs. Bare vLLM and
ours take turns, with the same options, on the same core (that of Slurm's nodes; all else is on another one)
and in the same home folder, whose caches an earlier start has filled. Where they are empty, vLLM looks into
its model classes anew, so the first start in a home folder takes longer, with us or without.

The scheduler's part is Globus Compute's, Slurm's and that of Parsl's worker together. A start takes one more
look for each further minute. The agent is Parsl's worker process, in which the node agent runs: most of its
memory is Parsl's and Globus Compute's. Parsl gives a job back after 5 to 7 s without a task here, and after
15 to 20 s where `first-remote deploy` has set it up.

How quiet the machine was: while the replicas were idle, they and all other programs took {busy:.0f} % of
the node's core.
"""
