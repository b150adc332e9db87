"""Whatever comes through a tunnel, it is read the same in any pieces, or refused; and it fills no memory."""

import struct

import pytest
from first_jupyter_remote.protocol import connection, frames, head, shards, streams, websocket
from first_jupyter_remote.protocol.frames import Kind, ProtocolError, pack, unpack
from hypothesis import example, given
from hypothesis import strategies as st

from .still_loop import StillLoop, StillTransport

FRAMES = st.lists(
    st.tuples(st.sampled_from(Kind), st.integers(0, 2**32 - 1), st.binary(max_size=40)),
    min_size=1,
    max_size=5,
)
OPCODES = st.sampled_from([0, 1, 2, 8, 9, 10, 3, 15])
PARTS = st.lists(
    st.tuples(OPCODES, st.booleans(), st.binary(max_size=200)) | st.binary(max_size=10),
    min_size=1,
    max_size=8,
)
CUTS = st.lists(st.integers(1, 30), min_size=1, max_size=5)


def cut(data, sizes):
    at = turn = 0
    while at < len(data):
        yield data[at : at + sizes[turn % len(sizes)]]
        at += sizes[turn % len(sizes)]
        turn += 1


def on_the_wire(part):
    if isinstance(part, bytes):
        return part
    opcode, last, body = part
    size = struct.pack("!B", len(body)) if len(body) < 126 else struct.pack("!BH", 126, len(body))
    return bytes([(0x80 if last else 0) | opcode]) + size + body


def decoded(pieces):
    decoder, messages = websocket.Decoder(masked=False), []
    for piece in pieces:
        try:
            for message in decoder.feed(piece):
                messages.append(message)  # noqa: PERF402  # those before a fault count
        except ProtocolError:
            return messages, "refused"
        assert len(decoder._rest) <= websocket.LONGEST + 14
    return messages, decoder._rest


@given(FRAMES)
def test_frames_are_read_as_they_were_written(written):
    assert unpack(b"".join(pack(*each) for each in written)) == [frames.Frame(*each) for each in written]


@given(st.binary() | FRAMES.flatmap(lambda each: st.just(b"".join(pack(*one) for one in each)[:-1])))
def test_a_message_holds_frames_or_is_refused(message):
    try:
        found = unpack(message)
    except ProtocolError:
        return
    assert b"".join(pack(*frame) for frame in found) == message


@given(PARTS, CUTS)
def test_messages_are_the_same_in_any_pieces(parts, sizes):
    wire = b"".join(map(on_the_wire, parts))
    assert decoded(cut(wire, sizes)) == decoded([wire])


@given(st.binary(max_size=2_000), st.booleans())
def test_a_message_is_read_as_it_was_written(data, masked):
    decoder = websocket.Decoder(masked=masked)
    assert list(decoder.feed(websocket.encode(data, masked=masked))) == [(websocket.MESSAGE, data)]


def test_a_message_of_many_empty_parts_is_refused():
    decoder = websocket.Decoder(masked=False)
    with pytest.raises(ProtocolError):
        list(decoder.feed(b"\x02\x00" + b"\x00\x00" * 10_000))


@pytest.mark.parametrize("opcode", [websocket.PING, websocket.PONG, websocket.CLOSE])
def test_a_control_frame_is_short_and_whole(opcode):
    for wire in (websocket.encode(b"x" * 126, masked=False, opcode=opcode), bytes([opcode, 0])):
        with pytest.raises(ProtocolError):
            list(websocket.Decoder(masked=False).feed(wire))


def test_frames_of_no_data_are_not_kept_for_a_reader_that_pauses():
    with StillLoop():
        stream = streams.Stream(None, 1, {}, lambda _: None)
        stream.pause_reading()
        for _ in range(1_000):
            stream.arrived(frames.Frame(Kind.DATA, 1, b""))
        assert not stream._unread


@pytest.mark.parametrize(("unread", "goes_on"), [(2**20, True), (2**26, False)])
def test_who_asks_for_signs_of_life_and_reads_none_is_left(unread, goes_on):
    transport = StillTransport()
    transport.unread = unread
    with StillLoop():
        tunnel = connection.Connection(dialled=False, begin=lambda *_: None, lost=lambda *_: None)
        tunnel.connection_made(transport)
        tunnel.data_received(websocket.encode(b"x", masked=True, opcode=websocket.PING))
    assert transport.aborted is not goes_on


@given(st.text(alphabet="HTP/1. 20OKé²٣\r\n:x", max_size=30) | st.text())
@example("HTTP/1.1 \xb200 OK")
def test_any_first_line_has_a_status_or_none(line):
    status, words = head.status_of(line)
    assert status >= 0
    assert len(words) <= 100


@given(st.binary())
def test_any_head_is_taken_apart(data):
    first, fields = head.parsed(data)
    assert isinstance(first, str)
    assert all(name == name.strip().lower() for name in fields)


ROWS = st.lists(
    st.tuples(st.integers(0, 10**9), st.binary(max_size=20).map(lambda body: body.replace(b"\n", b" ")))
)


@given(ROWS, st.text(), st.integers(1, 64))
def test_rows_of_a_shard_are_read_as_they_were_written(rows, batch, width):
    asked = shards.read_request(shards.request("/v1/completions", width, rows, batch))
    assert asked == ("/v1/completions", width, rows, batch)


@given(
    st.binary()
    | st.lists(st.sampled_from([b"{", b"}", b'"width"', b":", b"1", b"[", b"]", b"\n", b"\t", b"null"])).map(
        b"".join
    )
)
@example(b"[]")
@example(b'{"endpoint":"x","width":null}')
@example(b'{"endpoint":"x","width":1e999}')
@example(b'{"endpoint":"x"}')
@example(b"[" * 100_000)
def test_what_is_no_shard_is_refused(body):
    try:
        shards.read_request(body)
    except ValueError:
        return


@given(st.binary())
def test_what_is_no_line_of_a_shard_is_refused(line):
    try:
        shards.Line.from_bytes(line)
    except ValueError:
        return
