"""Plays bytes to the data plane's side towards the clients, and holds what it makes of them against h11."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import h11
from first_jupyter_server.dataplane.bad_requests import MAX_HEAD, MAX_PIPELINED
from first_jupyter_server.dataplane.crowd import Crowd
from first_jupyter_server.dataplane.downstream import Connection
from first_jupyter_server.dataplane.request import Request

from .still_loop import StillLoop, StillTransport

MAX_BODY = 4_096

_BLANKS = re.compile(rb" {2,}")


@dataclass
class Heard:
    """What came of some bytes."""

    requests: list[Request] = field(default_factory=list)
    interim: int = 0
    refused: int = 0


def pieces(data: bytes, sizes: bytes) -> Iterator[bytes]:
    """Cut the data, by turns into pieces of these sizes; no sizes leave it whole."""
    at = turn = 0
    while at < len(data):
        size = (sizes[turn % len(sizes)] or len(data)) if sizes else len(data)
        yield data[at : at + size]
        at += size
        turn += 1


def play(data: bytes, sizes: bytes = b"", *, late: bool = False) -> Heard:
    """Have a connection read the data; each request is answered with its number.

    Parameters
    ----------
    data
        What the client sends.
    sizes
        Sizes of the pieces in which it arrives.
    late
        Whether a request is answered when the next piece has come, not at once.

    Raises
    ------
    AssertionError
        Where something was said that is not to be said.
    """
    heard = Heard()
    waiting: list[Connection] = []
    methods: list[str] = []
    transport = StillTransport()

    def answer(connection: Connection) -> None:
        number = b"%d" % len(heard.requests)
        connection.respond(200, {"content-type": "text/plain"}, number)

    def dispatch(request: Request, connection: Connection) -> None:
        assert not transport.closed, "a request was dispatched after the end"
        assert not transport.ended, "a request was dispatched after a refusal"
        assert len(request.body) <= MAX_BODY
        assert sum(len(name) + len(value) for name, value in request.headers.items()) <= MAX_HEAD
        heard.requests.append(request)
        if late:
            waiting.append(connection)
        else:
            answer(connection)

    with StillLoop() as loop:
        connection = Connection(
            dispatch, lambda request: methods.append(request.method), lambda *_: None, MAX_BODY, Crowd()
        )
        connection.connection_made(transport)
        for piece in pieces(data, sizes):
            if transport.closed:
                break
            ready, waiting = waiting, []
            for each in ready:
                answer(each)
            loop.run()
            connection.data_received(piece)
            loop.run()
            assert len(connection._queue) <= MAX_PIPELINED + 1
        while waiting and not transport.closed:
            answer(waiting.pop())
            loop.run()
        connection.connection_lost(None)
    _hold_against(heard, bytes(transport.written), methods)
    return heard


def answers_in(written: bytes, methods: Iterator[str]) -> Iterator[tuple[int, bytes]]:
    """Read answers back, each to a request of the next method; interim ones have no body."""
    while written:
        head, _, written = written.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        assert first.startswith("HTTP/1.1 "), first
        headers = dict(line.split(": ", 1) for line in lines)
        status, size = int(first.split(" ")[1]), int(headers.get("content-length", "0"))
        if status == 100 or next(methods, "") == "HEAD":
            size = 0
        elif "transfer-encoding" in headers:
            yield status, written
            return
        assert len(written) >= size, "an answer is not whole"
        body, written = written[:size], written[size:]
        yield status, body


def _hold_against(heard: Heard, written: bytes, methods: list[str]) -> None:
    """Each request has one answer, in order, and a refusal is the last."""
    answered = 0
    for status, body in answers_in(written, iter(methods)):
        assert not heard.refused, "something was said after a refusal"
        if status == 100:
            heard.interim += 1
        elif status == 200:
            answered += 1
            assert body in {b"%d" % answered, b""}
        else:
            assert status in {400, 413, 431, 501, 505}, status
            heard.refused = status
    assert answered == len(heard.requests), "a request has no answer"


def by_h11(data: bytes) -> list[Request]:
    """Return the requests that h11 reads in these bytes, until one that it refuses."""
    found: list[Request] = []
    with contextlib.suppress(h11.RemoteProtocolError):
        # RFC 9112, section 2.2: empty lines before a request are passed over; h11 does not.
        while data := data.lstrip(b"\r\n"):
            connection = h11.Connection(h11.SERVER, max_incomplete_event_size=2**22)
            connection.receive_data(data)
            request = connection.next_event()
            if not isinstance(request, h11.Request):
                break
            body = b""
            while isinstance(event := connection.next_event(), h11.Data):
                body += event.data
            if not isinstance(event, h11.EndOfMessage):
                break
            found.append(
                Request(
                    request.method.decode(), request.target.decode("latin-1"), dict(request.headers), body
                )
            )
            if connection.their_state is not h11.DONE:
                break
            data = connection.trailing_data[0]
    return found


def check(data: bytes, sizes: bytes = b"", *, late: bool = False) -> Heard:
    """Play the data, and hold each request against what h11 makes of the same bytes.

    Raises
    ------
    AssertionError
        Where they differ, or the connection breaks a promise of its own.
    """
    heard = play(data, sizes, late=late)
    data = _BLANKS.sub(
        b" ", data
    )  # the parser takes more than one between the words of a request's first line
    heard = play(data, sizes, late=late)
    if b"RTSP/" in data or b"ICE/" in data:
        return heard  # which the parser takes for HTTP, as far as a version and a method are the same
    for number, (ours, theirs) in enumerate(zip(heard.requests, by_h11(data), strict=False)):
        headers = {
            name: value.lower() if name == b"transfer-encoding" else value  # as h11 returns it
            for name, value in ours.headers.items()
        }
        mine = (ours.method, ours.path, headers, ours.body)
        assert mine == (theirs.method, theirs.path, theirs.headers, theirs.body), number
    assert len(heard.requests) <= len(by_h11(data)), "a request was read where h11 reads none"
    return heard
