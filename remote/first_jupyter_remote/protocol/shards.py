"""Rows of a batch as one request, and what came of them as one answer, line by line; pure.

The request's first line says how they are to be asked, each further one is a row: its number, a tab, its
body. The answer's lines are a row's number, the status, the id of its request and the body, with
tabs between them; a row without a line was not answered.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["PATH", "Asked", "Line", "read_request", "request"]

PATH = "/first/shard"
"""Where such a request goes to, in place of one of the inference server's own paths."""


class Asked(NamedTuple):
    """A request.

    Parameters
    ----------
    endpoint
        The path that each row goes to, such as ``/v1/chat/completions``.
    width
        How many rows are asked at a time.
    rows
        Number and body (JSON in one line) of each.
    batch
        The batch that they are of; with its number behind a dash it is the id of a row's request.
    """

    endpoint: str
    width: int
    rows: list[tuple[int, bytes]]
    batch: str = ""


class Line(NamedTuple):
    """What came of one row; its body is JSON in one line."""

    number: int
    status: int
    request_id: str
    body: bytes

    def to_bytes(self) -> bytes:
        """Return it as it is sent, with the line's end."""
        said = self.request_id.replace("\t", " ").replace("\n", " ").encode()
        return b"%d\t%d\t%b\t%b\n" % (self.number, self.status, said, self.body)

    @classmethod
    def from_bytes(cls, line: bytes) -> Line:
        """Read one.

        Raises
        ------
        ValueError
            Where it is none.
        """
        number, status, said, body = line.rstrip(b"\n").split(b"\t", 3)
        return cls(int(number), int(status), said.decode(), body)


def request(endpoint: str, width: int, rows: Iterable[tuple[int, bytes]], batch: str = "") -> bytes:
    """Return the body of a request."""
    first = json.dumps({"endpoint": endpoint, "width": width, "batch": batch}).encode()
    return b"\n".join([first, *(b"%d\t%b" % row for row in rows)])


def read_request(body: bytes) -> Asked:
    """Read the body of a request.

    Raises
    ------
    ValueError
        Where it is none.
    """
    first, *lines = body.split(b"\n")
    try:
        how = json.loads(first)
        rows = []
        for line in lines:
            number, _, said = line.partition(b"\t")
            rows.append((int(number), said))
        return Asked(str(how["endpoint"]), int(how["width"]), rows, str(how.get("batch", "")))
    except (KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"a request that says not how rows are to be asked ({error})") from None
