"""The head of an HTTP message: waited for, and taken apart (RFC 9112, section 2)."""

from __future__ import annotations

import asyncio
from typing import cast

__all__ = ["LONGEST_HEAD", "Head", "parsed", "status_of"]

LONGEST_HEAD = 65_536


class Head(asyncio.Protocol):
    """Waits for the head of a request or an answer.

    Attributes
    ----------
    first
        Its first line, once it is whole.
    headers
        Its fields, the names in lower case.
    rest
        What came behind it.
    """

    def __init__(self) -> None:
        self._said = b""
        self.headers: dict[str, str] = {}
        self.rest = b""
        self.first: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take bytes until the head is whole."""
        self._said += data
        head, end, rest = self._said.partition(b"\r\n\r\n")
        if self.first.done() or not (end or len(self._said) > LONGEST_HEAD):
            self.rest += data if self.first.done() else b""
            return
        first, self.headers = parsed(head)
        self.rest = rest
        self.first.set_result(first)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up."""
        if not self.first.done():
            self.first.set_exception(exc or ConnectionResetError("it hung up before it answered"))


def parsed(head: bytes) -> tuple[str, dict[str, str]]:
    """Return the first line of a head and its fields, their names in lower case."""
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = (line.partition(":") for line in lines if line)
    return first, {name.strip().lower(): value.strip() for name, _, value in fields}


def status_of(first: str) -> tuple[int, str]:
    """Return the status of an answer and the words beside it; 0 where it is none of HTTP."""
    version, _, rest = first.partition(" ")
    status, _, words = rest.partition(" ")
    is_http = version.startswith("HTTP/") and status.isascii() and status.isdigit()
    return (int(status), words[:100]) if is_http else (0, "it does not speak HTTP")
