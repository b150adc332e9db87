"""A widget for one call of `map`: how far it is, how fast it goes, where it runs, and how it ended."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import ipywidgets

from first_jupyter._map.words import figures, heading, share
from first_jupyter._widgets.card import Card

if TYPE_CHECKING:
    from first_jupyter._map.job import Job

__all__ = ["BatchProgress"]


class BatchProgress(Card):
    """What `map` shows in a notebook; it is told what to show, and follows nothing by itself."""

    def __init__(self) -> None:
        super().__init__()
        self._body = ipywidgets.HTML()
        self.children = [self._said, self._body]
        self._details = ""
        self._say("sending the rows")

    def text(self) -> str:
        """Say how far it is."""
        return "\n".join(filter(None, [self._line, self._details]))

    def page(self) -> str:
        """Say the same in HTML."""
        return "".join(f"<div>{html.escape(line)}</div>" for line in self.text().splitlines())

    def see(self, job: Job, notice: str) -> None:
        """Show how far a call is; `notice` says what a model that is not warm is doing."""
        if not job.batch:
            return
        self._details = job.trouble or notice or figures(job.batch)
        done = share(job.batch)
        value = "" if done is None else f' value="{done:.4f}"'
        bar = f'<progress max="1"{value} aria-label="Batch" style="width: 24em"></progress>'
        self._body.value = f"<div>{bar}</div><div>{html.escape(self._details)}</div>"
        self._say(heading(job.batch))

    def finish(self, said: str) -> None:
        """Leave behind how it ended, or else how far it was."""
        self._line, self._details = said or self._line, ""
        self.close()

    def _see(self, catalog: dict[str, Any]) -> None:
        """Take no catalog: it follows none."""
