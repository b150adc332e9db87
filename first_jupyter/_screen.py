"""Where an answer appears: one display of a notebook, a terminal, or nowhere."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any, Protocol

from first_jupyter._formats import bundle
from first_jupyter._harmless import harmless, printable

if TYPE_CHECKING:
    from first_jupyter._steps import Notice

__all__ = ["NoScreen", "NotebookScreen", "Screen", "TerminalScreen", "screen_for"]


class Screen(Protocol):
    """Where an answer appears."""

    def waiting(self, notice: Notice) -> None:
        """Say what is waited for."""

    def show(self, text: str) -> None:
        """Show what there is of the answer."""

    def finish(self, text: str, footer: str, metadata: dict[str, Any], *, whole: bool = True) -> None:
        """Show the answer and its footer; `whole` unless it broke off."""


class NotebookScreen:
    """One display that is updated in place.

    Parameters
    ----------
    kind
        The format of the answer.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._handle: Any = None
        self._shown: dict[str, str] = {}

    def waiting(self, notice: Notice) -> None:
        """Show it in place of the answer."""
        self._put({"text/plain": notice.plain, "text/markdown": harmless(notice.markdown)})

    def show(self, text: str) -> None:
        """Show the text so far."""
        self._put(bundle(self._kind, text, done=False))

    def finish(self, text: str, footer: str, metadata: dict[str, Any], *, whole: bool = True) -> None:
        """Show the answer and its footer in place of all that was shown before."""
        if self._handle or text or footer:
            self._put(bundle(self._kind, text, footer, done=whole), metadata)

    def _put(self, data: dict[str, str], metadata: dict[str, Any] | None = None) -> None:
        if data == self._shown and not metadata:
            return
        from IPython.display import DisplayHandle  # noqa: PLC0415

        if self._handle is None:
            self._handle = DisplayHandle()  # type: ignore[no-untyped-call]
            self._handle.display(data, raw=True, metadata=metadata)
        else:
            self._handle.update(data, raw=True, metadata=metadata)
        self._shown = data


class TerminalScreen:
    """Text that grows on standard output."""

    def __init__(self) -> None:
        self._text = ""
        self._line = ""

    def waiting(self, notice: Notice) -> None:
        """Keep one line up to date, where a terminal can."""
        # A line that wraps could not be wiped.
        line = printable(notice.one_line)[: shutil.get_terminal_size().columns - 1]
        if sys.stdout.isatty() and line != self._line:
            self._write("\r" + line.ljust(len(self._line)))
            self._line = line

    def show(self, text: str) -> None:
        """Write what is new."""
        text = printable(text)
        if self._line:
            self._write("\r" + " " * len(self._line) + "\r")
            self._line = ""
        self._write(text.removeprefix(self._text))
        self._text = text

    def finish(self, text: str, footer: str, metadata: dict[str, Any], *, whole: bool = True) -> None:
        """Write the rest and the footer."""
        del metadata, whole  # a terminal keeps none, and has shown the text as it came
        text = printable(text)
        if not text.startswith(self._text):
            self._write("\n\n")
            self._text = ""
        self.show(text)
        self._write(f"\n\n{printable(footer)}\n" if footer else "\n")

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


class NoScreen:
    """Shows nothing."""

    def waiting(self, notice: Notice) -> None:
        """Show nothing."""

    def show(self, text: str) -> None:
        """Show nothing."""

    def finish(self, text: str, footer: str, metadata: dict[str, Any], *, whole: bool = True) -> None:
        """Show nothing."""


def screen_for(shell: Any, kind: str) -> Screen:
    """Choose the screen of an IPython shell."""
    # By name: importing the terminal's shell would load prompt_toolkit into every kernel.
    if any(base.__name__ == "TerminalInteractiveShell" for base in type(shell).__mro__):
        return TerminalScreen()
    return NotebookScreen(kind)
