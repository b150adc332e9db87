"""Where the progress of `map` is shown: a widget in a notebook, a line of a terminal."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any, Protocol

from first_jupyter._map.words import figures, heading

if TYPE_CHECKING:
    from first_jupyter._map.job import Job

__all__ = ["Shown", "shown"]


class Shown(Protocol):
    """Shows how far a call of `map` is."""

    def see(self, job: Job, notice: str) -> None:
        """Show it; `notice` says what a model that is not warm is doing."""

    def finish(self, said: str) -> None:
        """Show how it ended, if there is anything to say of it, and nothing more after that."""


class Line:
    """One line of a terminal that is kept up to date; elsewhere the last one alone."""

    def __init__(self) -> None:
        self._line = ""

    def see(self, job: Job, notice: str) -> None:
        """Write the line anew, where it has changed."""
        if not sys.stderr.isatty() or not job.batch:
            return
        parts = [heading(job.batch), job.trouble or notice or figures(job.batch)]
        # A line that wraps could not be written over.
        line = " · ".join(filter(None, parts))[: shutil.get_terminal_size().columns - 1]
        if line != self._line:
            self._write("\r" + line.ljust(len(self._line)))
            self._line = line

    def finish(self, said: str) -> None:
        """Write how it ended in place of the line."""
        wiped = "\r" + " " * len(self._line) + "\r" if self._line else ""
        self._write(f"{wiped}{said}\n" if said else wiped)

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


def shown() -> Shown:
    """Choose by where this runs."""
    ipython: Any = sys.modules.get("IPython")
    if ipython is None or not hasattr(ipython.get_ipython(), "kernel"):
        return Line()
    from IPython.display import display  # noqa: PLC0415

    from first_jupyter._widgets.batch_progress import BatchProgress  # noqa: PLC0415

    card = BatchProgress()
    display(card)  # type: ignore[no-untyped-call]
    return card
