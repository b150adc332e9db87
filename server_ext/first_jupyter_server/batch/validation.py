"""A whole input, line by line, before any of it is run; with the same memory for any length."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from first_jupyter_server.errors import ApiError

from .lines import MAX_LINE, LineError, Request, read

__all__ = ["MAX_LINES", "Report", "numbered", "validate"]

MAX_LINES = 1_000_000
"""Lines of the longest input."""

MOST_ERRORS = 100
"""Errors that are told; who mends those is told of the next."""

TOGETHER = 1_000
"""Ids that are compared at a time."""


@dataclass
class Report:
    """What came of it.

    Parameters
    ----------
    total
        Requests.
    model
        The model that all of them name.
    errors
        As in OpenAI's ``errors.data``, in the order of the lines.
    """

    total: int = 0
    model: str = ""
    errors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        """Whether enough is wrong."""
        return len(self.errors) >= MOST_ERRORS

    def add(self, error: LineError, line: int | None) -> None:
        """Take note of an error."""
        self.errors.append({"code": error.code, "line": line, "message": error.message, "param": error.param})


def numbered(path: Path) -> Iterator[tuple[int, bytes]]:
    """Go through the lines of a file that are not blank, counted from 1; a longer one than may be is cut."""
    number = 0
    with path.open("rb") as file:
        if file.read(3) != b"\xef\xbb\xbf":  # the mark that some editors put in front of UTF-8
            file.seek(0)
        while line := file.readline(MAX_LINE + 2):
            number += 1
            if line.strip():
                yield number, line
            while line[-1:] != b"\n" and (line := file.readline(MAX_LINE)):
                pass


def validate(path: Path, endpoint: str, resolve: Callable[[str], str]) -> Report:
    """Read all lines of an input.

    Parameters
    ----------
    path
        The input.
    endpoint
        The batch's.
    resolve
        Returns the id of the model that a name means; raises ``ApiError`` where there is none.

    Raises
    ------
    OSError
        Where the file cannot be read.
    """
    report = Report()
    models: dict[str, str | None] = {}
    ids = _Ids(report)
    for number, line in numbered(path):
        report.total += 1
        if report.total > MAX_LINES:
            report.add(LineError("too_many_lines", f"A batch takes at most {MAX_LINES:,} requests."), number)
            break
        try:
            request = read(line, endpoint)
            _see_model(request, models, resolve, report)
        except LineError as error:
            report.add(error, number)
        else:
            ids.add(request.custom_id, number)
        if report.is_full:
            break
    ids.close()
    if not report.total:
        report.add(LineError("empty_file", "The input has no lines: one JSON object for each request."), None)
    report.errors.sort(key=lambda error: error["line"] or 0)
    return report


def _see_model(
    request: Request, models: dict[str, str | None], resolve: Callable[[str], str], report: Report
) -> None:
    """Hold a line's model against that of the lines before; a name that there is not is told once."""
    name = request.model
    if name not in models:
        models[name] = None
        try:
            models[name] = resolve(name)
        except ApiError as error:
            raise LineError(error.code or "model_not_found", error.message, "body.model") from None
    model = models[name]
    if model is None:
        return
    report.model = report.model or model
    if model != report.model:
        message = f"All requests of a batch go to one model; this one names {model}, others {report.model}."
        raise LineError("mismatched_model", message, "body.model")


class _Ids:
    """The ids that were seen, on disk: a million of them would fill the memory."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._waiting: list[tuple[str, int]] = []
        self._seen = sqlite3.connect("")  # a temporary file, removed when it is closed
        self._seen.execute("CREATE TABLE ids (id TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID")

    def add(self, custom_id: str, line: int) -> None:
        self._waiting.append((custom_id, line))
        if len(self._waiting) == TOGETHER:
            self._compare()

    def close(self) -> None:
        self._compare()
        self._seen.close()

    def _compare(self) -> None:
        waiting, self._waiting = self._waiting, []
        before = self._seen.total_changes
        self._seen.executemany("INSERT OR IGNORE INTO ids VALUES (?, ?)", waiting)
        if self._seen.total_changes - before < len(waiting):
            for custom_id, line in waiting:
                (first,) = self._seen.execute("SELECT line FROM ids WHERE id = ?", (custom_id,)).fetchone()
                if first != line and not self._report.is_full:
                    message = f"The custom_id {custom_id!r} is that of line {first}, too."
                    self._report.add(LineError("duplicate_custom_id", message, "custom_id"), line)
