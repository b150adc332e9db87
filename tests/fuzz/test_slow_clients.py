"""No client keeps a connection to the kernels' port for nothing: neither slowly, nor in numbers."""

import asyncio
import contextlib

import pytest
from first_jupyter_server.dataplane.crowd import EVERY, GRACE, IDLE, PATIENCE, PIECE, Crowd
from first_jupyter_server.dataplane.downstream import Connection
from first_jupyter_server.dataplane.plane import DataPlane

from .still_loop import StillLoop, StillTransport

HEAD = b"GET / HTTP/1.1\r\nhost: x\r\n"
WHOLE = HEAD + b"\r\n"
UPLOAD = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n"


@pytest.fixture
def loop():
    with StillLoop() as loop:
        yield loop


class Client:
    """A client of a connection whose requests are answered at once, or not before the test says so."""

    def __init__(self, crowd, *, late=False):
        self.transport = StillTransport()
        self.late = late
        self.connection = Connection(self.answer, lambda _: None, lambda *_: None, 2**20, crowd)
        self.transport.on_closed = lambda: self.connection.connection_lost(None)
        self.connection.connection_made(self.transport)

    def answer(self, request, connection):
        if not self.late:
            connection.respond(200, {}, b"")

    def send(self, data):
        self.connection.data_received(data)

    @property
    def heard(self):
        return bytes(self.transport.written)

    @property
    def is_closed(self):
        return self.transport.closed


def drip(loop, client, data, every=5.0):
    for byte in data:
        loop.advance(every)
        client.send(bytes([byte]))


def test_a_head_that_comes_by_drips_is_given_up(loop):
    client = Client(Crowd())
    drip(loop, client, HEAD)
    assert b"408 Request Timeout" in client.heard
    assert loop.now > PATIENCE
    assert client.is_closed


def test_who_connects_and_says_nothing_is_given_up(loop):
    client = Client(Crowd())
    loop.advance(PATIENCE + 2 * EVERY)
    assert b"408" in client.heard


def test_a_body_that_comes_by_drips_is_given_up(loop):
    client = Client(Crowd())
    client.send(UPLOAD)
    drip(loop, client, b"x" * 20)
    assert b"408" in client.heard
    assert b"body of the request did not come on" in client.heard


def test_a_body_that_comes_on_slowly_is_taken(loop):
    client = Client(Crowd())
    client.send(UPLOAD)
    for _ in range(20):
        loop.advance(PATIENCE - 2 * EVERY)
        client.send(b"x" * PIECE)
    assert client.heard == b""
    assert not client.is_closed


def test_an_answer_may_take_as_long_as_it_takes(loop):
    client = Client(Crowd(), late=True)
    client.send(WHOLE)
    loop.advance(86_400)
    assert not client.is_closed
    client.connection.respond(200, {}, b"")
    assert b"200 OK" in client.heard


def test_a_connection_that_is_kept_ends_after_a_while_without_a_word(loop):
    client = Client(Crowd())
    client.send(WHOLE)
    heard = client.heard
    loop.advance(IDLE - EVERY)
    assert not client.is_closed
    loop.advance(3 * EVERY)
    assert client.is_closed
    assert client.heard == heard


def test_each_request_begins_the_time_anew(loop):
    client = Client(Crowd())
    for _ in range(5):
        client.send(WHOLE)
        loop.advance(IDLE - EVERY)
    assert client.heard.count(b"200 OK") == 5
    assert not client.is_closed


def test_who_does_not_read_the_end_is_left(loop):
    client = Client(Crowd())
    client.transport.unread = 1
    client.send(b"nonsense\r\n\r\n")
    loop.advance(1)
    assert b"400" in client.heard
    assert not client.transport.aborted
    loop.advance(PATIENCE + 2 * EVERY)
    assert client.transport.aborted


def test_a_newcomer_takes_the_place_of_the_stranger_who_was_there_longest(loop):
    crowd = Crowd(3)
    known, stranger, other = (Client(crowd) for _ in range(3))
    known.send(WHOLE)
    loop.advance(GRACE + 1)
    newcomer = Client(crowd)
    newcomer.send(WHOLE)
    assert stranger.is_closed
    assert not other.is_closed
    assert b"200 OK" in newcomer.heard
    assert not known.is_closed


def test_where_all_have_shown_the_key_one_more_is_told_so(loop):
    crowd = Crowd(3)
    for client in [Client(crowd) for _ in range(3)]:
        client.send(WHOLE)
    newcomer = Client(crowd)
    newcomer.send(WHOLE)
    assert b"503 Service Unavailable" in newcomer.heard
    assert b"Retry-After: 1" in newcomer.heard
    assert b"too_many_connections" in newcomer.heard


def test_who_leaves_makes_room(loop):
    crowd = Crowd(1)
    client = Client(crowd)
    client.send(WHOLE)
    client.connection.connection_lost(None)
    newcomer = Client(crowd)
    newcomer.send(WHOLE)
    assert b"200 OK" in newcomer.heard


def test_strangers_who_all_come_at_once_hang_up_on_nobody(loop):
    crowd = Crowd(3)
    clients = [Client(crowd) for _ in range(5)]
    for client in clients:
        client.send(WHOLE)
    assert [b"200 OK" in client.heard for client in clients] == [True, True, True, False, False]
    assert all(b"503" in client.heard for client in clients[3:])


async def test_over_sockets_a_stranger_leaves_and_a_holder_of_the_key_stays():
    plane = DataPlane(lambda _: None)
    plane.crowd = Crowd(2)
    plane.receive({"type": "config", "key": "the-key", "max_body": 2**20})
    server = await asyncio.get_running_loop().create_server(plane.connection, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    ask = b"GET /first/v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer the-key\r\n\r\n"
    known, stranger, newcomer, surplus = [], [], [], []
    try:
        known[:] = await asyncio.open_connection(*address)
        known[1].write(ask)
        assert b"200 OK" in await known[0].readline()
        stranger[:] = await asyncio.open_connection(*address)
        plane.crowd._strangers = dict.fromkeys(plane.crowd._strangers, 0.0)  # it was here since long
        newcomer[:] = await asyncio.open_connection(*address)
        newcomer[1].write(ask)
        assert b"200 OK" in await newcomer[0].readline()
        with contextlib.suppress(ConnectionError):
            assert await stranger[0].read() == b""
        surplus[:] = await asyncio.open_connection(*address)
        surplus[1].write(ask)
        assert b"503" in await surplus[0].readline()
    finally:
        for pair in (known, stranger, newcomer, surplus):
            if pair:
                pair[1].close()
        server.close()
