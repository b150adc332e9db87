"""Plays bytes to the data plane's side towards the replicas, and holds what it makes of them against h11."""

import contextlib
import re
from dataclasses import dataclass, field

import h11
from first_jupyter_server.dataplane.pool import Pool
from first_jupyter_server.dataplane.upstream import UpstreamConnection

from .requests_read import pieces
from .still_loop import StillLoop, StillTransport

_PHRASE = re.compile(rb"(HTTP/\d\.\d \d{3})[^\r\n]*")
_NOUGHTS = re.compile(rb"(\ncontent-length:[ \t]*)0+(?=[0-9])", re.IGNORECASE)
_EMPTY_LINES = re.compile(rb"\r\n\r\n[\r\n]+")


@dataclass
class Answer:
    """What came of an answer, as who asked hears it."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    ended: bool = False
    lost: bool = False
    kept: bool = False
    heads: int = 0
    is_first: bool = True

    def on_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Hear the head; the parser, which calls this, would take a failed assertion for a broken answer."""
        self.heads += 1
        self.is_first = not (self.status or self.body or self.ended or self.lost)
        self.status, self.headers = status, headers

    def on_data(self, data: bytes) -> None:
        """Hear a piece, between the head and the end."""
        assert self.status
        assert not self.ended
        assert not self.lost
        self.body += data

    def on_end(self) -> None:
        """Hear the end, once."""
        assert not self.ended
        assert not self.lost
        self.ended = True

    def on_lost(self, reused: bool) -> None:
        """Hear that there will be none."""
        assert not self.ended
        assert not self.lost
        self.lost = True


def play(data: bytes, sizes: bytes = b"") -> Answer:
    """Have a connection read an answer, and then the end of the connection."""
    answer, transport = Answer(), StillTransport()
    with StillLoop():
        pool = Pool("replica", 80)
        connection = UpstreamConnection(pool)
        connection.connection_made(transport)
        connection.send(b"", answer)
        for piece in pieces(data, sizes):
            if transport.closed:
                break
            connection.data_received(piece)
        answer.kept = pool.take() is not None
        assert answer.ended or not answer.kept
        connection.connection_lost(None)
    assert answer.ended or answer.lost, "an answer without an end"
    assert answer.heads <= 1, "an answer with two heads"
    assert answer.is_first, "something came before the head"
    return answer


def by_h11(data: bytes) -> Answer:
    """Return the answer that h11 reads in these bytes."""
    answer = Answer()
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=2**22)
    connection.send(h11.Request(method="GET", target="/", headers=[("host", "replica")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data.lstrip(b"\r\n"))  # as in requests_read.py
    with contextlib.suppress(h11.RemoteProtocolError):
        connection.receive_data(b"")
        while not answer.ended:
            match connection.next_event():
                case h11.Response() as event:
                    answer.status, answer.headers = event.status_code, list(event.headers)
                case h11.Data() as event:
                    answer.body += event.data
                case h11.EndOfMessage():
                    answer.ended = True
                case h11.InformationalResponse(status_code=status) if status != 101:
                    continue
                case _:
                    break
    return answer


def check(data: bytes, sizes: bytes = b"") -> Answer:
    """Play the data, and hold an answer that is whole against what h11 makes of the same bytes.

    Raises
    ------
    AssertionError
        Where they differ, or the connection breaks a promise of its own.
    """
    answer = play(data, sizes)
    if b"RTSP/" in data or b"ICE/" in data:
        return answer  # which the parser takes for HTTP, as far as a version and a status are the same
    # The parser takes any byte in a phrase, empty lines between an interim answer and the next, and any
    # number of noughts before a length.
    data = _EMPTY_LINES.sub(b"\r\n\r\n", _PHRASE.sub(rb"\1", _NOUGHTS.sub(rb"\1", data)))
    answer, theirs = play(data, sizes), by_h11(data)
    if answer.ended:
        is_chunked = (b"transfer-encoding", b"chunked") in answer.headers
        assert theirs.ended or is_chunked, "an answer is whole that for h11 is none"
        framing = b"transfer-encoding"  # whose value h11 returns in lower case
        headers = [(name, value.lower() if name == framing else value) for name, value in answer.headers]
        assert (answer.status, headers, answer.body) == (theirs.status, theirs.headers, theirs.body)
    return answer
