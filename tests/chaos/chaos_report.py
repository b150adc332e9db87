"""What chaos came to: each fault, the requests in flight, what their readers saw, and how long it took."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

from books import Batches, Ledger
from faults import BACK, Happened
from readers import Asked

__all__ = ["Run", "read", "summary"]

WITHIN = 5.0
"""Seconds within which all is to be as before."""

STEADY = 2.0
"""Seconds for which the streams have to flow until they count as flowing again."""

ENOUGH = 0.9
"""The share of streams of which something comes each second when all is well; some are between answers."""

HOW = ("whole", "continued", "told before", "told within", "broken", "refused", "silent", "hung")
HEADS = {
    "whole": "read on",
    "continued": "gone on with elsewhere",
    "told before": "error before the first token",
    "told within": "error in the middle",
    "broken": "connection broke",
    "refused": "not connected",
    "silent": "cut silently",
}


@dataclass
class Run:
    """One run.

    Parameters
    ----------
    streams, seed
        What was asked for.
    happened
        The faults, in their order.
    over
        When the readers were told to read no more.
    asked
        All answers, as their readers saw them.
    flow
        Of how many streams something had come within the last second, by the clock.
    ledger, batches
        What must not be lost.
    load
        The machine's load before and after.
    """

    streams: int
    seed: int
    happened: list[Happened]
    over: float
    asked: list[Asked]
    flow: list[tuple[float, int]]
    ledger: Ledger
    batches: Batches
    load: tuple[float, float]

    def saw(self, happened: Happened) -> Counter[str]:
        """Count what those saw whose answers were under way when it happened.

        An answer that another fault ended later on did read on over this one.
        """
        later = (each.at for each in self.happened if each.at > happened.at)
        until = min(later, default=self.over)
        seen: Counter[str] = Counter()
        for each in self.asked:
            if each.at <= happened.at < each.end:
                survived = each.end > until and each.how not in ("whole", "continued")
                seen["whole" if survived else each.how] += 1
        return seen

    def flows_after(self, since: float) -> float:
        """Return the seconds from a moment until the streams flowed for a while; 0 if they never stopped."""
        low = [at for at, count in self.flow if since <= at < self.over and count < ENOUGH * self.streams]
        if not low or low[0] > since + WITHIN:
            return 0.0
        for at, following in pairwise([*low, self.over]):
            if following - at > STEADY:
                return at - since
        return self.over - since

    def missing(self) -> list[Asked]:
        """Return the answers that were whole and have no entry in the ledger."""
        entered = self.ledger.entered()
        return [each for each in self.asked if each.how in ("whole", "continued") and each.id not in entered]

    def broken(self) -> list[str]:
        """Say which promises were not kept."""
        said = []
        said += [
            f"an answer was {each.how}: {each.why}" for each in self.asked if each.how in ("silent", "hung")
        ]
        if lost := len(self.ledger.seen - self.ledger.entered()):
            said.append(f"{lost} entries were in the ledger, and are not any more")
        kills = [each for each in self.happened if each.fault.breaks]
        said += [
            f"a connection broke, and nobody had killed its other end: {each.why}"
            for each in self.asked
            if each.how in ("broken", "refused")
            and not any(
                kill.at - 1 < each.end and each.at < kill.went_on + (kill.part or BACK) + 2 for kill in kills
            )
        ]
        return said + self.batches.wrong


def read(folder: Path) -> tuple[list[Asked], list[tuple[float, int]]]:
    """Read what the readers wrote down."""
    asked = [Asked(**json.loads(line)) for line in (folder / "answers.jsonl").read_text().splitlines()]
    flow = [tuple(json.loads(line)) for line in (folder / "flow.jsonl").read_text().splitlines()]
    return asked, flow


def summary(run: Run) -> str:
    """Return all of it as Markdown."""
    return "\n\n".join(("\n".join(faults(run)), "\n".join(_in_all(run)), "\n".join(_told(run)))) + "\n"


def faults(run: Run) -> list[str]:
    """Return the table of faults, a line for each kind."""
    heads = ["fault", "times", "in flight", *(HEADS.get(how, how) for how in HOW)]
    heads += ["streams flow again after", "after SIGCONT", "the part is back after"]
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    kinds = dict.fromkeys(each.fault for each in run.happened)
    for kind in sorted(kinds, key=lambda fault: fault.name):
        times = [each for each in run.happened if each.fault is kind]
        saw = sum((run.saw(each) for each in times), Counter())
        flows = [run.flows_after(each.at) for each in times]
        again = [run.flows_after(each.went_on) for each in times if kind.lasts]
        part = [each.part for each in times if each.part is not None]
        cells = [kind.name, str(len(times)), str(sum(saw.values())), *(str(saw[how]) for how in HOW)]
        cells += [spread(flows), spread(again) if again else ""]
        cells.append(spread(part) + (" (not always)" if len(part) < len(times) else ""))
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def spread(seconds: list[float]) -> str:
    """Say a median and the longest."""
    if not seconds:
        return "never"
    return f"{median(seconds):.1f} s" + (f", at most {max(seconds):.1f} s" if len(seconds) > 1 else "")


def _in_all(run: Run) -> list[str]:
    how = Counter(each.how for each in run.asked)
    flow = sorted(count for _, count in run.flow)
    lost = run.missing()
    whole = how["whole"] + how["continued"]
    gone = len(run.ledger.seen - run.ledger.entered())
    answers = ", ".join(f"{how[each]:,} {each}" for each in HOW)
    load = f"{run.load[0]:.1f} before, {run.load[1]:.1f} after"
    entries = f"{len(run.ledger.seen):,} entries were seen in it, {gone:,} of them are missing at the end"
    return [
        f"* {len(run.asked):,} answers: {answers}.",
        f"* {len(run.happened)} faults, seed {run.seed}. Load of the machine: {load}.",
        f"* Something came within the last second of {median(flow):.0f} of {run.streams} streams (median).",
        f"* Ledger: {entries}; {len(lost):,} of {whole:,} whole answers have no entry.",
        f"* Batches: {run.batches.whole} with {run.batches.rows:,} rows, {len(run.batches.wrong)} mistakes.",
        *(f"* BROKEN: {each}" for each in run.broken()[:20]),
    ]


def _told(run: Run) -> list[str]:
    words = Counter(
        (each.how, re.sub(r"\d+ characters", "… characters", each.why)[:200])
        for each in run.asked
        if each.how not in ("whole", "continued")
    )
    return [f"* {count} times {how}: {why}" for (how, why), count in words.most_common(25)]
