"""The rules of a tunnel: messages, a session that outlives its connections, streams with windows."""

import asyncio
import random

import pytest
from first_jupyter_remote.protocol.connection import tunnel_key
from first_jupyter_remote.protocol.frames import COUNT, Kind, ProtocolError, pack, unpack
from first_jupyter_remote.protocol.link import ACK_EVERY, Link, said
from first_jupyter_remote.protocol.streams import HIGH, PIECE, WINDOW, Streams
from first_jupyter_remote.protocol.websocket import CLOSE, LONGEST, MESSAGE, PING, Decoder, accept, encode


def take(streams, message):
    for frame in unpack(message):
        streams.arrived(frame)
    streams.settle()


class Taker(asyncio.Protocol):
    """Keeps what it is told."""

    def __init__(self):
        self.data, self.told, self.lost = b"", [], None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.data += data

    def pause_writing(self):
        self.told.append("pause")

    def resume_writing(self):
        self.told.append("resume")

    def connection_lost(self, exc):
        self.told.append("lost")
        self.lost = exc


class Ends:
    """The two ends of a session, joined in memory; ``cut`` loses what is sent until ``join``."""

    def __init__(self):
        self.served, self.connection = [], 0
        self.here, self.there = Streams(Link()), None
        self.there = Streams(Link(self.here.link.session), self.serve)
        self.join()

    def serve(self):
        self.served.append(Taker())
        return self.served[-1]

    def join(self):
        self.connection += 1
        for one, other in ((self.here, self.there), (self.there, self.here)):
            _, received = said(*unpack(other.link.hello()))
            one.link.connected(lambda message, other=other: self.carry(other, message), received)

    def carry(self, other, message):
        asyncio.get_running_loop().call_soon(self.arrive, other, message, self.connection)

    def arrive(self, other, message, connection):
        if connection == self.connection:
            take(other, message)

    def cut(self):
        self.connection += 1

    async def open(self):
        taker = Taker()
        stream = self.here.open(taker)
        await settled()
        return stream, taker, self.served[-1]


async def settled():
    for _ in range(200):
        await asyncio.sleep(0)


# messages


def test_the_example_of_the_rfc_is_accepted():
    assert accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize("masked", [True, False], ids=["masked", "plain"])
@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, LONGEST])
def test_a_message_comes_out_as_it_went_in_however_it_is_cut(size, masked):
    data = random.Random(size).randbytes(size)
    wire = encode(data, masked=masked) + encode(b"x", masked=masked, opcode=PING)
    decoder, found, at = Decoder(masked=masked), [], 0
    step = max(1, len(wire) // 7)
    while at < len(wire):
        found += decoder.feed(wire[at : at + step])
        at += step
    assert found == [(MESSAGE, data), (PING, b"x")]


def test_a_message_that_a_proxy_divided_is_put_together():
    first, last = bytearray(encode(b"ab", masked=False)), bytearray(encode(b"cd", masked=False))
    first[0] &= 0x7F
    last[0] &= 0xF0
    found = Decoder(masked=False).feed(bytes(first) + encode(b"", masked=False, opcode=PING) + bytes(last))
    assert list(found) == [(PING, b""), (MESSAGE, b"abcd")]


@pytest.mark.parametrize(
    "wire",
    [
        encode(b"x", masked=True),
        b"HTTP/1.1 502 Bad Gateway",
        b"\x82\x7f" + (LONGEST + 1).to_bytes(8, "big"),
        b"\x81\x01x",
        b"\x80\x01x",
    ],
    ids=["masked", "http", "too-long", "text", "part-of-nothing"],
)
def test_bytes_of_another_kind_are_refused(wire):
    with pytest.raises(ProtocolError):
        list(Decoder(masked=False).feed(wire))


@pytest.mark.parametrize(
    "message", [b"", b"\x04", pack(Kind.ACK)[:-1], b"\x63" + bytes(8), pack(Kind.PING) + b"\x04"]
)
def test_what_is_no_frame_is_refused(message):
    with pytest.raises(ProtocolError, match="holds no frames"):
        unpack(message)


def test_the_key_of_a_tunnel_does_not_tell_that_of_its_replica():
    assert "sk-1" not in tunnel_key("sk-1")
    assert tunnel_key("sk-1") != tunnel_key("sk-2")


# a session


def test_frames_that_were_lost_are_sent_again_and_only_those():
    here, sent = Link(), []
    here.connected(lambda _: None, 0)
    for body in (b"1", b"2", b"3"):
        here.send(Kind.DATA, 1, body)
    here.disconnected()
    here.send(Kind.DATA, 1, b"4")
    here.connected(sent.append, 2)
    assert [frame.body for message in sent for frame in unpack(message)] == [b"3", b"4"]


def test_what_came_is_acknowledged_and_then_forgotten():
    here, there = Link(), Link()
    there.connected(lambda message: here.take(*unpack(message)), 0)
    here.connected(lambda message: there.take(*unpack(message)), 0)
    for _ in range(ACK_EVERY):
        here.send(Kind.DATA, 1, b"x")
    with pytest.raises(ProtocolError, match="are said to have come"):
        here.connected(lambda _: None, 0)


def test_more_frames_than_were_sent_cannot_have_come():
    with pytest.raises(ProtocolError):
        Link().connected(lambda _: None, 1)


@pytest.mark.parametrize("hello", [pack(Kind.PING), pack(Kind.HELLO, body=b"short")])
def test_a_connection_begins_with_a_hello(hello):
    with pytest.raises(ProtocolError, match="begins with"):
        said(*unpack(hello))


# its streams


async def test_bytes_go_both_ways():
    stream, taker, served = await Ends().open()
    stream.write(b"question")
    served.transport.write(b"answer")
    await settled()
    assert (served.data, taker.data) == (b"question", b"answer")


async def test_an_end_comes_after_all_bytes():
    stream, _, served = await Ends().open()
    stream.write(b"x" * 3 * PIECE)
    stream.close()
    await settled()
    assert (len(served.data), served.told, served.lost) == (3 * PIECE, ["lost"], None)
    assert served.transport.is_closing()


async def test_a_stream_that_is_aborted_ends_there_with_the_reason():
    _, taker, served = await Ends().open()
    served.transport.abort("the server broke")
    await settled()
    assert str(taker.lost) == "the server broke"


async def test_nothing_is_lost_or_doubled_when_connections_are_lost_again_and_again():
    ends = Ends()
    stream, taker, served = await ends.open()
    rng, asked, answered = random.Random(1), b"", b""
    for _ in range(60):
        asked += (data := rng.randbytes(rng.randrange(1, 3_000)))
        stream.write(data)
        answered += (data := rng.randbytes(rng.randrange(1, 3_000)))
        served.transport.write(data)
        for _ in range(rng.randrange(3)):
            await asyncio.sleep(0)
        if rng.random() < 0.4:
            await settled()
            ends.cut()
        if rng.random() < 0.7:
            ends.join()
    ends.join()
    await settled()
    assert (served.data, taker.data) == (asked, answered)


async def test_a_reader_that_pauses_holds_up_its_own_stream_alone():
    ends = Ends()
    slow, _, paused = await ends.open()
    quick, _, reading = await ends.open()
    paused.transport.pause_reading()
    slow.write(b"x" * 3 * WINDOW)
    quick.write(b"y" * 3 * WINDOW)
    await settled()
    assert (len(paused.data), len(reading.data)) == (0, 3 * WINDOW)
    assert slow.get_write_buffer_size() == 2 * WINDOW
    paused.transport.resume_reading()
    await settled()
    assert len(paused.data) == 3 * WINDOW


async def test_a_writer_is_told_to_stop_and_to_go_on():
    stream, taker, served = await Ends().open()
    served.transport.pause_reading()
    stream.write(b"x" * (WINDOW + HIGH + 1))
    await settled()
    assert taker.told == ["pause"]
    served.transport.resume_reading()
    await settled()
    assert taker.told == ["pause", "resume"]


async def test_who_sends_more_than_was_let_in_breaks_the_rules():
    ends = Ends()
    _, _, served = await ends.open()
    served.transport.pause_reading()
    for _ in range(WINDOW // PIECE):
        take(ends.there, pack(Kind.DATA, 1, b"x" * PIECE))
    with pytest.raises(ProtocolError, match="more bytes"):
        take(ends.there, pack(Kind.DATA, 1, b"x"))


async def test_an_end_that_counts_other_bytes_than_came_is_a_loss():
    ends = Ends()
    _, taker, _ = await ends.open()
    take(ends.here, pack(Kind.DATA, 1, b"half"))
    take(ends.here, pack(Kind.END, 1, COUNT.pack(8)))
    await settled()
    assert "bytes are missing" in str(taker.lost)


async def test_frames_of_a_stream_that_is_over_are_left_alone():
    ends = Ends()
    stream, taker, _ = await ends.open()
    stream.abort()
    take(ends.here, pack(Kind.DATA, 1, b"late"))
    await settled()
    assert (taker.data, len(ends.here)) == (b"", 0)


@pytest.mark.parametrize(
    "frame", [pack(Kind.OPEN, 1), pack(Kind.DATA, 9, b"x"), pack(Kind.WINDOW, 1, b"x")], ids=repr
)
async def test_frames_against_the_rules_are_refused(frame):
    ends = Ends()
    await ends.open()
    with pytest.raises(ProtocolError):
        take(ends.here, frame)


async def test_a_taker_that_fails_ends_its_own_stream_alone():
    ends = Ends()
    failing, _, served = await ends.open()
    other, _, reading = await ends.open()
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["message"]))
    served.data_received = lambda data: 1 / 0
    failing.write(b"x")
    other.write(b"y")
    await settled()
    assert (reading.data, failing.is_closing(), len(told)) == (b"y", True, 1)


def test_a_close_is_a_message_of_its_own():
    assert list(Decoder(masked=False).feed(encode(b"", masked=False, opcode=CLOSE))) == [(CLOSE, b"")]
