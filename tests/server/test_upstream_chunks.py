"""A body in chunks arrives whole, however its bytes are cut: a chunk in a read of its own is not parsed."""

import pytest
from first_jupyter_server.dataplane.pool import Pool
from first_jupyter_server.dataplane.upstream import UpstreamConnection

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
EVENTS = [b"data: %d\n\n" % number for number in (1, 22, 10**300)]
END = b"0\r\n\r\n"


def chunk(data, line=b"%x\r\n"):
    return line % len(data) + data + b"\r\n"


class Wire:
    """A transport that notes whether it was hung up."""

    def __init__(self):
        self.aborted = False

    def write(self, data): ...

    def resume_reading(self): ...

    def is_closing(self):
        return self.aborted

    def abort(self):
        self.aborted = True


class Reader:
    """Takes an answer, and counts the pieces that it came in."""

    def __init__(self):
        self.pieces, self.ended = [], 0

    def on_head(self, status, headers): ...

    def on_data(self, data):
        self.pieces.append(data)

    def on_end(self):
        self.ended += 1

    @property
    def body(self):
        return b"".join(self.pieces)


def read(*reads):
    connection, reader = UpstreamConnection(Pool("there", 1)), Reader()
    connection.connection_made(Wire())
    connection.send(b"", reader)
    for data in reads:
        connection.data_received(data)
    return reader, connection


@pytest.mark.parametrize(
    "body",
    [
        b"".join(map(chunk, EVENTS)) + END,
        b"".join(chunk(event, b"%X;name=value\r\n") for event in EVENTS) + END,
        b"".join(chunk(event, b"000%x\r\n") for event in EVENTS) + END,
        b"".join(map(chunk, EVENTS)) + b"0\r\nserver-timing: a\r\n\r\n",
        b"".join(map(chunk, EVENTS)) + b"0;last\r\n\r\n",
        chunk(b"".join(map(chunk, EVENTS)) + END) + END,
    ],
    ids=["plain", "extensions", "zeros", "trailers", "the last with an extension", "chunks within a chunk"],
)
def test_a_body_is_the_same_wherever_it_is_cut(body):
    whole, _ = read(HEAD, body)
    assert whole.ended == 1
    for first in range(1, len(body)):
        reader, connection = read(HEAD, body[:first], body[first:])
        assert (reader.body, reader.ended) == (whole.body, 1)
        assert not connection.transport.aborted


async def test_one_byte_after_the_other_makes_the_same():
    raw = HEAD + b"".join(map(chunk, EVENTS)) + END
    reader, _ = read(*[bytes([byte]) for byte in raw])
    assert (reader.body, reader.ended) == (b"".join(EVENTS), 1)


@pytest.mark.parametrize("size", [1, 15, 16, 255, 256, 4_000, 4_095, 4_096, 65_535, 65_536, 2**20])
def test_a_chunk_of_any_size_in_a_read_of_its_own_is_one_piece(size):
    data = b"x" * size
    reader, _ = read(HEAD, chunk(data), chunk(data), END)
    assert (reader.pieces, reader.ended) == ([data, data], 1)


def test_several_chunks_in_one_read_are_one_piece():
    reader, _ = read(HEAD, chunk(b"a"), chunk(b"b") + chunk(b"c"), chunk(b"d"), END)
    assert (reader.pieces, reader.ended) == ([b"a", b"bc", b"d"], 1)


def test_what_looks_like_a_chunk_within_a_chunk_is_not_taken_for_one():
    within = chunk(b"data")
    reader, _ = read(HEAD, chunk(b"a"), b"%x\r\n" % len(within), within, b"\r\n", END)
    assert (reader.body, reader.ended) == (b"a" + within, 1)


def test_what_looks_like_a_chunk_after_half_a_line_is_not_taken_for_one():
    reader, _ = read(HEAD, chunk(b"a"), b"1", b"0\r\n" + b"x" * 16 + b"\r\n", END)
    assert (reader.body, reader.ended) == (b"a" + b"x" * 16, 1)


@pytest.mark.parametrize(
    "spoilt", [b"5\r\nshort\n\n", b"0x3\r\nabc\r\n", b" 3\r\nabc\r\n", b"+3\r\nabc\r\n", b"3\nabc\n"]
)
def test_what_is_no_chunk_is_hung_up_on_after_chunks_as_before_them(spoilt):
    for before in ([], [chunk(b"a")]):
        reader, connection = read(HEAD, *before, spoilt)
        assert connection.transport.aborted
        assert reader.ended == 0


def test_a_connection_that_has_had_chunks_takes_the_next_answer_from_its_head():
    _, connection = read(HEAD, chunk(b"a"), chunk(b"b"), END)
    reader = Reader()
    connection.send(b"", reader)
    connection.data_received(chunk(b"stray"))
    assert connection.transport.aborted
    assert reader.pieces == []
