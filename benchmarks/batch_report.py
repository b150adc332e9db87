"""The figures of ``batch.py``, and the page that they make."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

import procs

__all__ = ["Books", "Found", "Through", "Tokens", "document", "table"]


@dataclass
class Tokens:
    """Rows that a real model answered.

    Parameters
    ----------
    tokens
        Those that it wrote.
    seconds, cpu
        What it took, and the seconds of a core that vLLM's own processes took of it.
    in_hand
        Rows that vLLM answered at once, on average; 0 where nobody looked.
    """

    tokens: float
    seconds: float
    cpu: float
    in_hand: float = 0.0

    @property
    def rate(self) -> float:
        """Tokens a second."""
        return self.tokens / self.seconds

    @property
    def per_core(self) -> float:
        """Tokens for a second of a core of vLLM's own processes."""
        return self.tokens / self.cpu


@dataclass
class Books:
    """One batch whose rows are answered in no time, as ``batch_books.py`` prints it.

    Parameters
    ----------
    validate_s, write_out_s
        Seconds in which it was checked, and written out.
    rows_s
        Rows a second that were kept in between.
    memory_mb
        The most that the process had.
    """

    rows: int
    validate_s: float
    rows_s: float
    write_out_s: float
    memory_mb: float

    @property
    def seconds(self) -> float:
        """Return what all of it took."""
        return self.validate_s + self.rows / self.rows_s + self.write_out_s


@dataclass
class Through:
    """One batch that went all the way to a stand-in; the most memory of our two processes in MB."""

    rows: int
    seconds: float
    batch: float
    plane: float


@dataclass
class Found:
    """All figures; `scaled` are rows a second with one stand-in and with two."""

    offline: list[Tokens] = field(default_factory=list)
    ours: list[Tokens] = field(default_factory=list)
    scaled: list[float] = field(default_factory=list)
    books: list[Books] = field(default_factory=list)
    through: list[Through] = field(default_factory=list)


def table(found: Found) -> str:
    """Return the figures beside their goals."""
    turns = list(zip(found.ours, found.offline, strict=True))
    small, large = found.books[0], found.books[-1]
    rows = [
        ("vLLM's offline engine, one core", middle([t.rate for t in found.offline], ".0f", " tokens/s"), ""),
        (
            "a batch on one replica, the same core",
            middle([t.rate for t in found.ours], ".0f", " tokens/s"),
            "",
        ),
        ("the batch to the offline engine", middle([a.rate / b.rate for a, b in turns], ".2f"), "≥ 0.95"),
        (
            "the same by the CPU time of vLLM alone",
            middle([a.per_core / b.per_core for a, b in turns], ".2f"),
            "",
        ),
        ("of eight rows at once, vLLM had in hand", middle([t.in_hand for t in found.ours], ".1f"), ""),
        ("one stand-in of a replica", f"{found.scaled[0]:.0f} rows/s", ""),
        ("two of them, to one", f"{found.scaled[1] / found.scaled[0]:.2f}", "≥ 1.9"),
    ]
    for each in found.books:
        kept = f"{each.rows_s:,.0f} rows/s"
        rows.append((f"{each.rows:,} rows: kept as they are answered", kept, "≥ 20,000"))
        whole = f"{each.rows / each.seconds:,.0f} rows/s"
        rows.append((f"{each.rows:,} rows: checked, kept and written out", whole, ""))
    growth = f"{large.memory_mb / small.memory_mb:.2f} times"
    rows.append((f"memory, {small.rows:,} rows", f"{small.memory_mb:.0f} MB", ""))
    rows.append((f"memory, {large.rows:,} rows", f"{large.memory_mb:.0f} MB, {growth}", "flat"))
    for run in found.through:
        what = f"{run.rows:,} rows through the data plane to a stand-in"
        memory = f"batches {run.batch:.0f} MB, data plane {run.plane:.0f} MB"
        rows.append((what, f"{run.rows / run.seconds:,.0f} rows/s; {memory}", "flat"))
    lines = ["| what | measured | goal |", "| --- | --- | --- |"]
    return "\n".join([*lines, *(f"| {what} | {value} | {goal} |" for what, value, goal in rows)])


def middle(values: list[float], form: str, unit: str = "") -> str:
    """Return the median, and between which values it lies."""
    median = f"{statistics.median(values):{form}}{unit}"
    return f"{median} ({min(values):{form}} to {max(values):{form}})" if len(values) > 1 else median


def document(found: Found, options: str) -> str:
    """Return the whole page; the options are those that it was made with."""
    return PAGE.format(options=options, table=table(found), date=procs.today(), machine=procs.machine())


PAGE = """\
# Benchmarks: batches

Made by `python benchmarks/batch.py {options}` on {date}.
The machine: {machine}.

{table}

Medians over the rounds, the least and the most in brackets.

**One replica.** SmolLM2-135M on vLLM for CPUs, on one core, eight rows at once, answers of 48 tokens. The
offline engine (`LLM.chat`) gets all rows in one call, and its loading and first eight rows do not count;
`vllm run-batch`, which puts a server's front before the same engine, was not measured. Ours is a whole batch
on a real Jupyter server, from the wish, with all checks, to the last row written out; vLLM's front shares its
core, while all that is ours is on the other one. Both take turns. A ratio that scatters says that others used
the machine, and then the CPU time of vLLM's own processes says more than the clock: beside the offline engine
it holds the front, which takes its share of the core for each row; with a larger model that should be less.
The rows in hand say how seldom vLLM waited for us, the beginning and the end of the batch included.

**Two replicas.** Two vLLMs with a core each, and another core for what asks them, are more than this machine
has. So the replicas are stand-ins that answer 8 rows at once, each in 100 ms, 80 rows a second at most: it
shows that our side feeds two replicas as well as one, and no more.

**Books.** `batch_books.py`: one batch in one process, with whoever answers taking no time: the input is read
and checked, results are kept in SQLite and written out in order. **Memory** is the most that the process had.

**Through the data plane.** The same all the way over HTTP to a stand-in in Python, all of them on the same
cores: a lower bound of the speed, and the most memory that our two processes had. A server that does not say
how many rows it answers at once is given more and more of them, up to 256, and each takes its connections.
"""
