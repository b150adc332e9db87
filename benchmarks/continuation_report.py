"""What became of answers whose server was killed: judged, and written to docs/benchmarks-continuation.md."""

from __future__ import annotations

import argparse
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import orjson
import procs
from first_jupyter_server.dataplane.passed import Passed
from first_jupyter_server.dataplane.sieve import Sieve

if TYPE_CHECKING:
    from continuation import Answer

__all__ = ["Comparison", "document", "judge"]

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks-continuation.md"
GOAL = 95
"""Of 100 killed answers, those that are to be equal."""

TOKENS = 20_000
OVERLAP = 12
"""Characters from which on a text that stands on both sides of a seam has been repeated."""

VERDICTS = ("equal", "explained", "cut", "repeated", "wrong")


@dataclass
class Comparison:
    """One killed answer beside the unbroken one.

    Parameters
    ----------
    verdict
        ``equal``; ``explained``, where the model chose another word after the seam; ``cut``, ``repeated``,
        or ``wrong`` where something else than the text is not as it was.
    at, differs_at
        The seam, and the first character that differs.
    pause
        The longest wait between two pieces of text, seconds.
    line
        For a person.
    counted
        Whether the usage is that of the unbroken answer.
    gap
        By how much the unbroken answer's token was likelier there than the next best one, in nats.
    """

    prompt: str
    verdict: str
    at: int
    differs_at: int
    pause: float
    line: str
    counted: bool
    gap: float | None = None


def judge(prompt: str, unbroken: Answer, answer: Answer) -> Comparison:
    """Compare a killed answer with the unbroken one."""
    want, got = unbroken.text, answer.text
    differs_at = next((n for n, pair in enumerate(zip(want, got, strict=False)) if pair[0] != pair[1]), -1)
    at = answer.seams[0]["at"] if answer.seams else -1
    around = f"{got[max(0, at - 25) : at]!r} | {got[at : at + 25]!r}"
    if answer.error or not answer.done or len(answer.finishes) != 1:
        verdict, around = "cut", answer.error or f"finish reasons {answer.finishes}, [DONE]: {answer.done}"
    elif is_repeated(want, got, at):
        verdict = "repeated"
    elif differs_at < 0 and len(got) < len(want) and answer.finishes == ["length"]:
        verdict = "cut"
    elif differs_at >= 0 or len(want) != len(got):
        differs_at = differs_at if differs_at >= 0 else min(len(want), len(got))
        verdict = "explained" if 0 <= at <= differs_at else "wrong"
        around = (
            f"{want[max(0, differs_at - 15) : differs_at + 25]!r} -> {got[differs_at : differs_at + 25]!r}"
        )
    elif len(answer.ids) != 1 or answer.finishes != unbroken.finishes:
        verdict, around = "wrong", f"ids {answer.ids}, finish reasons {answer.finishes}"
    else:
        verdict = "equal"
    counted = counts(answer) == counts(unbroken)
    return Comparison(prompt, verdict, at, differs_at, answer.pause, around, counted)


def counts(answer: Answer) -> dict[str, int]:
    """Return an answer's tokens."""
    return {key: answer.usage.get(key, 0) for key in ("prompt_tokens", "completion_tokens", "total_tokens")}


def is_repeated(want: str, got: str, at: int) -> bool:
    """Return whether the text before a seam stands behind it again, and does not in the unbroken text."""
    before = got[max(0, at - OVERLAP) : at]
    return at >= OVERLAP and got[at:].startswith(before) and not want[at:].startswith(before)


def document(exact: list[Comparison], local: list[Comparison], seams: dict[str, Any]) -> str:
    """Return the page."""
    runs = {"32-bit numbers throughout": exact, "16-bit, as the local cluster runs it": local}
    rows = [
        [
            name,
            str(len(run)),
            *[str(sum(each.verdict == verdict for each in run)) for verdict in VERDICTS],
            str(sum(each.counted for each in run if each.verdict == "equal")),
        ]
        for name, run in runs.items()
    ]
    return PAGE.format(
        today=procs.today(),
        machine=procs.machine(),
        cost=f"{cost():.1f}",
        goal="\n".join(against_goal(name, run) for name, run in runs.items()),
        answers=table(["llama.cpp reckons with", "killed", *VERDICTS, "equal in usage, too"], rows),
        explained=table(
            ["unbroken → continued", "characters behind the seam", "likelier by"],
            [[cell(each.line), str(each.differs_at - each.at), gap(each)] for each in others(exact, local)],
        ),
        pauses=table(
            ["llama.cpp reckons with", "median", "longest"],
            [[name, f"{median(pauses(run)):.1f}", f"{max(pauses(run)):.1f}"] for name, run in runs.items()],
        ),
        seams=table(
            ["cut", "given to the next server", f"equal of {seams['cuts']}"],
            [[*name.split(", "), str(count)] for name, count in seams["same"].items()],
        ),
    )


def against_goal(name: str, run: list[Comparison]) -> str:
    """Say whether the answers of a run meet the goal."""
    equal = sum(each.verdict == "equal" for each in run)
    verdict = "meets" if equal * 100 >= GOAL * len(run) else "misses"
    return f"* {name}: {equal} of {len(run)}, which {verdict} the goal of {GOAL} in 100."


def others(*runs: list[Comparison]) -> list[Comparison]:
    """Return the answers that are not equal."""
    return [each for run in runs for each in run if each.verdict != "equal"]


def pauses(run: list[Comparison]) -> list[float]:
    """Return the waits at the seams."""
    return [each.pause for each in run if each.at >= 0]


def gap(comparison: Comparison) -> str:
    """Say how much likelier the unbroken answer's token was than the next best one."""
    return "?" if comparison.gap is None else f"{math.expm1(abs(comparison.gap)):.2%}"


def cost() -> float:
    """Return the CPU time that keeping an answer costs, in microseconds a token of vLLM's."""
    frame = {"id": "chatcmpl-92bb061417fc1791", "object": "chat.completion.chunk", "created": 1795398295}
    choice = {"index": 0, "delta": {"content": " word"}, "logprobs": None, "finish_reason": None}
    event = {**frame, "model": "org/a-model-of-some-size", "choices": [choice | {"token_ids": None}]}
    data = b"data: " + orjson.dumps(event) + b"\n\n"

    def keep() -> float:
        passed, take = Passed(), Sieve().take
        passed.keep()
        since = time.process_time()
        for _ in range(TOKENS):
            passed.add(take(data))
        return time.process_time() - since

    return min(keep() for _ in range(9)) / TOKENS * 1e6


def cell(text: str) -> str:
    """Return a text as a cell of a table holds it."""
    return f"`{text}`".replace("|", "\\|")


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exact", type=Path, help="of continuation.py --exact --raw")
    parser.add_argument("local", type=Path, help="of continuation.py --raw")
    parser.add_argument("seams", type=Path, help="of seams.py --raw")
    asked = parser.parse_args()
    exact, local = (
        [Comparison(**each) for each in json.loads(path.read_text())] for path in (asked.exact, asked.local)
    )
    DOCUMENT.write_text(document(exact, local, json.loads(asked.seams.read_text())))


PAGE = """\
# Answers that lose their server

Made by `benchmarks/continuation.py` (with `--exact`, and without) and `benchmarks/seams.py` on {today}. The
machine: {machine}; other work ran beside it.

## Killed answers

{answers}

*Equal*: the text and the finish reason are those of the unbroken answer, under one id. *Explained*: the
model chose another word behind the seam. *Cut*: no end, an error, or too few tokens. *Repeated*: the text
before the seam stands behind it again. *Wrong*: anything else. A usage is missing where the server was
killed between the last word and the usage.

{goal}

An answer that parts counts as a miss, though nothing of it is lost. What is explained, and how much likelier
the unbroken answer's token was than the next best one where the two part:

{explained}

A server writes one token at a time, and reads a text many tokens at a time. With 16-bit numbers the sums
come out a thousandth apart, and where two words are as likely as that, temperature 0 takes the other one.
It does so without any kill, where a server has read the beginning of a text before. Tried once beside
this, of vLLM's answers on a CPU (60 tokens, gone on with by the same server) 9 of 24 parted with bfloat16,
and 1 of 40 with 32-bit numbers.

## The wait at the seam

The longest wait between two pieces of text, in seconds; the next server reads the prompt and the text so
far on one thread of a CPU.

{pauses}

## What it costs while nothing breaks

{cost} µs of CPU time a token to keep what goes by; the data plane takes about 27 µs for a token in all
(`docs/benchmarks.md`). At most 8 KB of events and the text so far are held for an answer, and its request.

## Where a text is cut

{seams}

A server writes whole tokens, but vLLM cuts them where a request has stop strings, and a token may end
within a word. A text that ends there is read as other tokens than those that it was written in: after
`sunlight reache` a model does not write `s`, it goes on with ` the Earth`. Up to the last gap between two
words a text is read as it was written. The next server writes the rest once more; that is compared with
what the client has, and not sent again. Where it comes out differently, the text is given as it is.

## Method

Two llama.cpp servers stand for two clusters behind one data plane. 25 prompts (20 chats, 5 texts; SmolLM2
135M, temperature 0, 120 tokens) are answered once unbroken, and then four times each: when the client has
so many characters, chosen at random, the server that writes is killed (`SIGKILL`); it is started again
before the next one. `cache_prompt` is off, since what a server has read before changes its answers, killed
or not.
"""

if __name__ == "__main__":
    main()
