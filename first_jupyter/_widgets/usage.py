"""A widget for what was used: today, in 30 days, by model and by notebook."""

from __future__ import annotations

import html
import threading
import time
from typing import Any

import ipywidgets

from first_jupyter import _control as control
from first_jupyter._errors import FirstError
from first_jupyter._spans import by_name, totals
from first_jupyter._table import table
from first_jupyter._widgets.card import Card, button, html_table

__all__ = ["Usage"]

PAUSE = 5.0
"""Seconds between two questions to the server, at least."""
TOTALS = ["", "today", "30 days"]
BAR, GAP, HEIGHT = 10, 2, 48


class Usage(Card):
    """See requests, tokens, first tokens and node-hours; it moves on as models are asked.

    Examples
    --------
    >>> Usage()
    """

    def __init__(self) -> None:
        usage = control.usage()
        super().__init__()
        self._asked, self._is_due = time.monotonic(), False
        self._body = ipywidgets.HTML()
        self._refresh = button(
            "Refresh", "refresh", "Ask the server again", lambda pressed: self.act(pressed, self._ask)
        )
        self.children = [self._body, self._said, self._refresh]
        self._show(usage)
        self._follow()

    def text(self) -> str:
        """List the figures."""
        parts = [table(TOTALS, totals(self._usage))]
        parts += [table([title, *head[1:]], rows) for title, head, rows in self._named()]
        return "\n\n".join(plain for plain, _ in parts)

    def page(self) -> str:
        """Show the figures and the days."""
        parts = [html_table(TOTALS, totals(self._usage), "Usage"), chart(self._usage.get("days") or [])]
        parts += [html_table(head, rows, title) for title, head, rows in self._named()]
        return "".join(parts)

    def _named(self) -> list[tuple[str, list[str], list[list[str]]]]:
        month = self._usage["last_30_days"]
        parts = [("By model, 30 days", "by_model"), ("By notebook, 30 days", "by_notebook")]
        return [(title, *by_name(month[key])) for title, key in parts if month.get(key)]

    def _see(self, catalog: dict[str, Any]) -> None:
        """Take it as a hint: a catalog comes whenever a request has begun or ended."""
        del catalog
        with self._drawing:
            if self._is_due:
                return
            self._is_due = True
        wait = threading.Timer(max(0.0, self._asked + PAUSE - time.monotonic()), self._ask_again)
        wait.daemon = True
        wait.start()

    def _ask_again(self) -> None:
        try:
            if self.comm is not None:
                self._ask()
        except FirstError as error:
            self._say(str(error))

    def _ask(self) -> None:
        self._asked, self._is_due = time.monotonic(), False
        self._show(control.usage())

    def _show(self, usage: dict[str, Any]) -> None:
        with self._drawing:
            self._usage = usage
            self._body.value = self.page()
            self._say("")


def chart(days: list[dict[str, Any]]) -> str:
    """Draw the tokens of each day as bars, which tell their figures too."""
    tokens = [day["prompt_tokens"] + day["completion_tokens"] for day in days]
    if not any(tokens):
        return ""
    most, width = max(tokens), (BAR + GAP) * len(days)
    bars = "".join(
        f'<rect x="{n * (BAR + GAP)}" y="{HEIGHT - tall}" width="{BAR}" height="{tall}">'
        f"<title>{html.escape(day['day'])}: {count:,} tokens, {day['requests']:,} requests</title></rect>"
        for n, (day, count) in enumerate(zip(days, tokens, strict=True))
        if (tall := max(1, round(HEIGHT * count / most)))
    )
    said = f"Tokens a day from {days[0]['day']} to {days[-1]['day']}, {most:,} at most"
    return (
        f'<svg role="img" aria-label="{html.escape(said)}" width="{width}" height="{HEIGHT}" '
        f'fill="var(--jp-brand-color1, #1976d2)">{bars}</svg>'
        f'<div style="opacity: 0.8">{html.escape(said)}</div>'
    )
