"""The stages of a start, with their times, as a person reads them."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

from first_jupyter._stage import span_text

__all__ = ["Notice", "Step", "steps"]

WORDS = {
    "queued": "waiting for a node",
    "fetching": "fetching the weights",
    "launching": "starting the server",
    "loading": "loading the weights",
    "compiling": "compiling",
    "warming": "warming up",
}
SIGNS = {"done": "✓", "now": "▸", "ahead": "○"}


@dataclass(frozen=True)
class Step:
    """One stage of a start.

    Parameters
    ----------
    name
        What is done in it.
    state
        ``done``, ``now`` or ``ahead``.
    time
        What it took, has taken so far, or usually takes.
    """

    name: str
    state: str
    time: str

    @property
    def text(self) -> str:
        """As one line; the words alone say it too."""
        return f"{SIGNS[self.state]} {self.name}: {self.time}"


def steps(stages: list[dict[str, Any]], elapsed: float = 0.0) -> list[Step]:
    """Read the stages of a start, `elapsed` seconds after they were told; what took no time is no news."""
    return [
        Step(WORDS.get(each["stage"], each["stage"]), each["state"], _time(each, elapsed))
        for each in stages
        if each["stage"] != "ready" and not (each["state"] == "done" and (each.get("seconds") or 1) < 0.5)
    ]


def _time(stage: dict[str, Any], elapsed: float) -> str:
    seconds, usual = stage.get("seconds"), stage.get("usual")
    usually = "" if usual is None else f"usually {span_text(usual)}"
    if stage["state"] == "done":
        return "done" if seconds is None else f"took {span_text(seconds)}"
    if stage["state"] == "ahead":
        return usually or "to come"
    so_far = "now" if seconds is None else f"{span_text(seconds + elapsed)} so far"
    return f"{so_far}, {usually}" if usually else so_far


@dataclass(frozen=True)
class Notice:
    """What a cell says while it waits.

    Parameters
    ----------
    line
        What is waited for.
    steps
        The stages of a start, for below it.
    """

    line: str
    steps: tuple[Step, ...] = ()

    @property
    def markdown(self) -> str:
        """For a notebook."""
        lines = (f"**{step.text}**" if step.state == "now" else step.text for step in self.steps)
        return "\n".join([f"*{self.line}*", *([""] if self.steps else []), *(f"- {line}" for line in lines)])

    @property
    def plain(self) -> str:
        """For what shows no Markdown."""
        return "\n".join([self.line, *(f"  {step.text}" for step in self.steps)])

    @property
    def one_line(self) -> str:
        """For a terminal: what is ahead is the least news."""
        return " · ".join([self.line, *(step.text for step in self.steps if step.state == "done")])


def steps_html(shown: list[Step]) -> str:
    """Write stages as a list."""
    items = (
        f'<li aria-current="{"step" if step.state == "now" else "false"}" '
        f'style="{"font-weight: 600" if step.state == "now" else ""}">'
        f'<span aria-hidden="true">{SIGNS[step.state]}</span> {html.escape(step.name)}: {step.time}</li>'
        for step in shown
    )
    return (
        f'<ol style="list-style: none; margin: 4px 0; padding: 0; line-height: 1.5">{"".join(items)}</ol>'
        if shown
        else ""
    )
