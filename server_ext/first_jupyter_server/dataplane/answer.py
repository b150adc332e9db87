"""One answer on its way to the client: head and first bytes together, and never a silent end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from first_jupyter_server.errors import ApiError

from .passed import Passed

if TYPE_CHECKING:
    from .downstream import Connection
    from .headers import Headers

__all__ = ["Answer"]

_EVENTS = b"text/event-stream"
_UNBUFFERED = [(b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]


class Answer:
    """Writes one answer.

    Parameters
    ----------
    connection
        The client's connection.
    request_id
        Goes into each answer's ``x-request-id``.
    ends_with_mark
        Whether a stream of this kind ends with ``data: [DONE]``, so that one without it has been cut.
    on_first
        Called as the first byte of a replica's answer is passed on.
    """

    __slots__ = (
        *("_chunked", "_connection", "_ends_with_mark", "_head", "_on_first", "_request_id", "begun"),
        *("first_byte", "is_events", "passed", "status"),
    )

    def __init__(
        self,
        connection: Connection,
        request_id: str,
        *,
        ends_with_mark: bool,
        on_first: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._request_id = request_id
        self._ends_with_mark = ends_with_mark
        self._on_first = on_first
        self._head: bytes | None = None
        self._chunked = False
        self.is_events = False
        self.begun = False
        self.status = 0
        self.passed = Passed()
        self.first_byte: float | None = None

    def head(self, status: int, headers: Headers, length: int | None) -> None:
        """Take the head; it leaves with the first bytes of the body."""
        self.status = status
        self.is_events = dict(headers).get(b"content-type", b"").startswith(_EVENTS)
        if self.is_events:
            length = None  # an error, or another replica's part, may follow what the server wanted to say
        self._chunked = length is None
        every = [*headers, *_UNBUFFERED] if self.is_events else [*headers]
        every.append(
            (b"transfer-encoding", b"chunked") if length is None else (b"content-length", b"%d" % length)
        )
        every.append((b"x-request-id", self._request_id.encode("latin-1", "replace")))
        self._head = self._connection.head(status, every)

    def data(self, data: bytes) -> None:
        """Pass a piece of the body on."""
        if self.first_byte is None:
            self.first_byte = time.monotonic()
            self._on_first()
        self.passed.add(data)
        if self._chunked and self._head is None:
            # The way of nearly every token.
            self._connection.transport.write(b"%x\r\n%b\r\n" % (len(data), data))
        else:
            self._write(data)

    def comment(self, text: str) -> None:
        """Keep a stream alive, begun or not, with a comment (HTML standard, section 9.2.6)."""
        if not self.begun:
            self.head(200, [(b"content-type", _EVENTS)], None)
        self._write(f": {text}\n\n".encode())

    @property
    def is_whole(self) -> bool:
        """Whether the client has got a stream's end mark."""
        return self.is_events and self.passed.is_done

    @property
    def is_cut(self) -> bool:
        """Whether a stream has stopped short of its end mark."""
        return self.is_events and self._ends_with_mark and self.status == 200 and not self.passed.is_done

    def end(self) -> None:
        """End the answer."""
        if self._head is not None:
            self._write(b"")
        if self._chunked:
            self._connection.write(b"0\r\n\r\n")
        self._connection.finish()

    def fail(self, error: ApiError) -> None:
        """End the answer with an error: as a whole answer, as an event in a stream, or else by hanging up."""
        if not self.begun:
            headers = {
                "content-type": "application/json",
                "x-request-id": self._request_id,
                **error.headers(),
            }
            self.status = error.status
            self._connection.respond(error.status, headers, error.body())
        elif self.is_events:
            boundary = b"" if self.passed.at_event_boundary else b"\n\n"
            self._write(boundary + error.event())
            self._connection.write(b"0\r\n\r\n")
            self._connection.finish()
        else:
            # A JSON body cannot carry an error once it has begun; a missing end is what HTTP has for it.
            self._connection.abort()

    def _write(self, data: bytes) -> None:
        head, self._head = self._head or b"", None
        self.begun = True
        if self._chunked and data:
            self._connection.write(b"%b%x\r\n%b\r\n" % (head, len(data), data))
        else:
            self._connection.write(head + data)
