"""Which failed cell ``%first fix`` explains, and the question that it asks."""

from __future__ import annotations

import re
import sys
import traceback
from typing import Any, NamedTuple

from first_jupyter._errors import FirstError, Interrupted
from first_jupyter._session import session, traceback_text

__all__ = ["Fix", "wanted_fix"]

OPTION = re.compile(r"(?:^|\s)--cell(?:=|\s+|$)(\S*)")
FORM = "%first fix [MODEL] [--cell NUMBER]"
QUESTION = """This cell failed:

```python
{code}
```

{traceback}

Say in at most three sentences what went wrong. Then give the whole corrected cell in one Python
code block."""


class Fix(NamedTuple):
    """A question about a failed cell, and the model that is to answer it, if one was named."""

    model: str
    text: str


def wanted_fix(shell: Any, argument: str) -> Fix:
    """Read what stands behind ``%first fix``.

    Parameters
    ----------
    shell
        The IPython shell.
    argument
        A model or nothing, and ``--cell N`` for another cell than the last one that failed.

    Raises
    ------
    FirstError
        Where there is no such failure to explain.
    """
    number = None
    if option := OPTION.search(argument):
        if not option[1].isdecimal():
            raise FirstError(f"`{FORM}`: --cell takes a cell's number, not {option[1] or 'nothing'}.")
        number = int(option[1])
        argument = argument.replace(option[0], "", 1)
    number, trace = _failure(shell, number)
    code = shell.user_ns["In"][number]
    return Fix(argument.strip(), QUESTION.replace("{code}", code).replace("{traceback}", trace))


def _failure(shell: Any, number: int | None) -> tuple[int, str]:
    if number is None and session.errors:
        number = next(reversed(session.errors))
    if number in session.errors:
        return number, session.errors[number]
    # The last error of all may be older than the magics, and Python still knows it.
    last = getattr(sys, "last_value", None)
    if last is not None and not isinstance(last, FirstError | Interrupted):
        cell = _cell_of(shell, last)
        if cell is not None and number in (None, cell):
            return cell, traceback_text(last)
    if number is None:
        raise FirstError("No cell has failed since first_jupyter was loaded.")
    raise FirstError(f"Cell {number} did not fail in this kernel, or too long ago: run it again, then ask.")


def _cell_of(shell: Any, error: BaseException) -> int | None:
    """Return the number of the cell that an error left, as IPython names cells in tracebacks."""
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        files.append(error.filename)
    for file in files:
        _, name = shell.compile.format_code_name(file) or ("", "")
        if match := re.fullmatch(r"In\[(\d+)\]", name):
            return int(match[1])
    return None
