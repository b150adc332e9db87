"""The side towards the clients: strict HTTP/1.1, one request at a time, answers written as they come."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

import httptools

from first_jupyter_server.errors import ApiError

from . import bad_requests, strict
from .crowd import PIECE
from .request import Request

if TYPE_CHECKING:
    from .crowd import Crowd, Standing
    from .headers import Headers
    from .request import Handler, Taker

__all__ = ["Connection"]

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_PHRASES = {status.value: status.phrase.encode() for status in HTTPStatus}

LINGER = 5.0
"""Seconds for which the rest of a refused body is dropped, so that the client sees the answer."""


class Connection(asyncio.Protocol):
    """One client's connection.

    Parameters
    ----------
    dispatch
        Called with each whole request, in order; answers it through the connection, at once or later.
    admit
        Called with the head of each request before its body is read; raises ``ApiError`` to refuse it.
    taker
        Returns who answers a request whose body is not to be collected first; None for all others.
    max_body
        The largest body accepted, in bytes.
    crowd
        All clients.
    """

    __slots__ = (
        *(
            "_admit",
            "_between",
            "_body",
            "_busy",
            "_crowd",
            "_dispatch",
            "_handler",
            "_has_room",
            "_head_alone",
        ),
        *("_head_size", "_in_head", "_is_stranger", "_keep_alive", "_max_body", "_owes_continue"),
        *("_parser", "_queue", "_refused", "_request", "_served", "_size", "_taker", "_taker_of"),
        *("_unheard", "_url", "transport"),
    )

    def __init__(
        self,
        dispatch: Callable[[Request, Connection], None],
        admit: Callable[[Request], None],
        taker: Callable[[Request, Connection], Taker | None],
        max_body: int,
        crowd: Crowd,
    ) -> None:
        self._dispatch = dispatch
        self._admit = admit
        self._taker_of = taker
        self._max_body = max_body
        self._crowd = crowd
        self._between = True
        self._has_room = self._is_stranger = True
        self._served = 0
        self._parser = httptools.HttpRequestParser(self)
        self._handler: Handler | None = None
        self._taker: Taker | None = None
        self._busy = False
        self._refused = False
        self._keep_alive = True
        self._owes_continue = False
        self._unheard = 0
        self._queue: deque[Request | ApiError] = deque()
        self.transport: asyncio.Transport
        self.on_message_begin()
        self._between = True

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)
        self._has_room = self._crowd.came(self)

    def data_received(self, data: bytes) -> None:
        """Parse what came, and have it answered unless an earlier request is still being answered."""
        if self._refused:
            return
        was_at_rest = self._between and not self._busy and not self._queue
        if was_at_rest and not self._is_stranger and (request := self._crowd.heads.find(data)) is not None:
            self._take(request)
            return
        self._unheard += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as failure:
            cause = failure.__context__
            self._refuse(cause if isinstance(cause, ApiError) else bad_requests.invalid(str(cause)))
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as failure:
            self._refuse(bad_requests.invalid(str(failure)))
        else:
            if self._unheard > bad_requests.MAX_HEAD:
                self._refuse(bad_requests.head_too_large())
            elif was_at_rest and self._between and len(self._queue) == 1 and self._has_room:
                self._crowd.heads.learn(data, cast("Request", self._queue[0]))
        if not self._busy:
            self._next()

    def pause_writing(self) -> None:
        """Pass the word on that the client does not keep up."""
        if self._handler is not None:
            self._handler.on_write_blocked()

    def resume_writing(self) -> None:
        """Pass the word on that it has caught up."""
        if self._handler is not None:
            self._handler.on_write_possible()

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass the word on that the client has left."""
        self._crowd.left(self)
        handler, self._handler = self._handler, None
        if handler is not None:
            handler.on_client_gone()

    # the parser's side

    def on_message_begin(self) -> None:
        """Start a new request (called by the parser)."""
        self._url = b""
        self._request = Request("", "")
        self._body: list[bytes] = []
        self._size = self._head_size = 0
        self._in_head = True
        self._between = False

    def on_url(self, url: bytes) -> None:
        """Collect the target (called by the parser)."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header (called by the parser)."""
        if not self._in_head:
            return  # What stands in a trailer was not there when the request was admitted.
        self._head_size += len(name) + len(value) + 4
        if self._head_size > bad_requests.MAX_HEAD:
            raise bad_requests.head_too_large()
        strict.collect(self._request.headers, name.lower(), value)

    def on_headers_complete(self) -> None:
        """Refuse by the head alone what can be refused (called by the parser)."""
        self._in_head = False
        self._unheard = 0
        request = self._request
        request.method = self._parser.get_method().decode("ascii")
        request.path = self._url.decode("latin-1")
        self._admit(request)
        if self._is_stranger:
            self._is_stranger = False
            self._crowd.knows(self)
        if not self._has_room:
            raise self._crowd.refusal()
        strict.check(self._parser.get_http_version(), request.method, request.headers)
        at_rest = not self._busy and not self._queue
        taker = self._taker_of(request, self) if at_rest else None
        length = request.headers.get(b"content-length", b"0")
        if taker is not None:
            self._taker = self._handler = taker
            self._busy = True
            # Whether it is kept is known at the body's end; an answer that comes before that ends it.
            self._keep_alive = self._head_alone = False
        elif length.isdigit() and int(length) > self._max_body:
            raise bad_requests.body_too_large(int(length), self._max_body)
        if request.headers.get(b"expect", b"").lower() == b"100-continue":
            self._owes_continue = not at_rest
            if at_rest:
                self.transport.write(_CONTINUE)

    def on_body(self, data: bytes) -> None:
        """Collect a piece of the body, or hand it over (called by the parser)."""
        self._unheard = 0
        self._size += len(data)
        if self._taker is not None:
            self._taker.take(data)
            return
        if self._size > self._max_body:
            raise bad_requests.body_too_large(self._size, self._max_body)
        self._body.append(data)

    def on_message_complete(self) -> None:
        """Put the whole request in line, unless its body was handed over (called by the parser)."""
        self._unheard = 0
        self._served += 1
        self._between = True
        if self._taker is not None:
            taker, self._taker = self._taker, None
            self._in_head = True
            self._keep_alive = self._parser.should_keep_alive()
            taker.end()
            return
        request = self._request
        request.body = b"".join(self._body)
        request.keep_alive = self._parser.should_keep_alive()
        self._body = []
        self._in_head = True
        self._owes_continue = False
        self._queue.append(request)
        if len(self._queue) > bad_requests.MAX_PIPELINED:
            raise bad_requests.too_many()

    # the crowd's side

    def standing(self) -> Standing:
        """Return what is waited for, and how near it has come."""
        if self._refused or self.transport.is_closing():
            return "close", self.transport.get_write_buffer_size()
        if (self._busy and self._taker is None) or not self.transport.is_reading():
            return "answer", 0
        if not self._in_head:
            return "body", self._size // PIECE
        return ("head" if self._unheard or not self._served else "idle"), self._served

    def overdue(self, awaited: str) -> None:
        """Wait no longer for this client."""
        if awaited == "close":
            self.transport.abort()
        elif awaited == "idle":
            self.transport.close()
        else:
            self._refuse(bad_requests.too_slow(awaited))
            self._next()

    def make_room(self) -> None:
        """Hang up on who has not shown the key, for there are too many."""
        self.transport.abort()

    def _take(self, request: Request) -> None:
        """Have a request answered that came as a whole, with a head that is known."""
        if len(request.body) > self._max_body:
            self._refuse(bad_requests.body_too_large(len(request.body), self._max_body))
        else:
            self._served += 1
            self._queue.append(request)
        self._next()

    # the handler's side

    def attach(self, handler: Handler) -> None:
        """Name who is told, until the answer is whole, that the client left or does not keep up."""
        self._handler = handler

    def respond(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a whole answer; to HEAD its head alone (RFC 9110, section 9.3.2)."""
        head = self.head(status, _whole(headers, body))
        self.transport.write(head if self._head_alone else head + body)
        self._done()

    def head(self, status: int, headers: Headers) -> bytes:
        """Return the bytes of an answer's status line and headers."""
        lines = [b"HTTP/1.1 %d %b\r\n" % (status, _PHRASES.get(status, b"Unknown"))]
        lines += [b"%b: %b\r\n" % header for header in headers]
        lines.append(b"connection: keep-alive\r\n\r\n" if self._keep_alive else b"connection: close\r\n\r\n")
        return b"".join(lines)

    def write(self, data: bytes) -> None:
        """Send bytes of an answer as they are."""
        self.transport.write(data)

    def finish(self) -> None:
        """Take note that the answer is whole, and turn to the next request."""
        self._done()

    def abort(self) -> None:
        """Hang up in the middle of an answer: all that is left to say where nothing can be said."""
        self._handler = None
        self.transport.abort()

    def _done(self) -> None:
        self._busy = False
        self._handler = None
        if self._taker is not None:
            self._taker, self._refused = None, True
            self._linger()
        elif not self._keep_alive:
            self.transport.close()
        elif self._queue:
            # Not at once: a client that sends many requests in one write must not nest as many calls.
            asyncio.get_running_loop().call_soon(self._next)
        elif self._owes_continue:
            # Not while the answer before was being written: it would have stood in its middle.
            self._owes_continue = False
            self.transport.write(_CONTINUE)

    def _next(self) -> None:
        if self._busy or not self._queue or self.transport.is_closing():
            return
        item = self._queue.popleft()
        if isinstance(item, ApiError):
            self._answer_refusal(item)
            return
        self._busy = True
        self._keep_alive = item.keep_alive
        self._head_alone = item.method == "HEAD"
        self._dispatch(item, self)

    def _refuse(self, refusal: ApiError) -> None:
        """Take nothing more from this client, and tell it why once the requests before are answered."""
        self._refused = True
        if self._taker is not None:
            # Its body can never be whole, and who takes it may be in the middle of an answer.
            self.connection_lost(None)
            self.transport.abort()
            return
        self._queue.append(refusal)

    def _answer_refusal(self, refusal: ApiError) -> None:
        """Say why, then read on and drop for a while: a reset would take the answer away from the client."""
        self._keep_alive = False
        headers = {"content-type": "application/json", **refusal.headers()}
        body = refusal.body()
        head = self.head(refusal.status, _whole(headers, body))
        self.transport.write(head if self._request.method == "HEAD" else head + body)
        self._linger()

    def _linger(self) -> None:
        """End our side, and read on for a while."""
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.transport.resume_reading()
        asyncio.get_running_loop().call_later(LINGER, self.transport.close)


def _whole(headers: Mapping[str, str], body: bytes) -> Headers:
    """Return the headers of an answer whose body is at hand."""
    raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    return [*raw, (b"content-length", b"%d" % len(body))]
