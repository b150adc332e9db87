"""A request whose head is known is taken as the parser would take it, and no other is."""

import pytest
from first_jupyter_server.dataplane import known_heads
from first_jupyter_server.dataplane.crowd import Crowd
from first_jupyter_server.dataplane.downstream import Connection
from first_jupyter_server.errors import ApiError

from .conftest import CHAT, json_answer

BEGINNING = (
    b"POST /first/v1/%b HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nContent-Length: %d%b\r\n\r\n"
)


def request(body=b"{}", more=b"", route=b"chat/completions"):
    return BEGINNING % (route, len(body), more) + body


class Wire:
    """A client's end, and what was answered to it."""

    def __init__(self):
        self.written = b""
        self.closed = False

    def write(self, data):
        self.written += data

    def is_closing(self):
        return self.closed

    def is_reading(self):
        return True

    def close(self):
        self.closed = True

    def can_write_eof(self):
        return False

    def resume_reading(self): ...


class Clients:
    """Connections of one crowd; all requests are answered at once with their bodies."""

    def __init__(self, max_body=1_000):
        self.crowd, self.max_body = Crowd(100), max_body
        self.seen, self.admitted = [], 0

    def admit(self, asked):
        self.admitted += 1
        if b"authorization" not in asked.headers:
            raise ApiError(401, "no key")

    def dispatch(self, asked, connection):
        assert asked.headers.get(b"content-length", b"%d" % len(asked.body)) == b"%d" % len(asked.body)
        others = {name: value for name, value in asked.headers.items() if name != b"content-length"}
        self.seen.append((asked.method, asked.path, others, asked.body))
        connection.respond(200, {}, asked.body)

    def connect(self):
        connection = Connection(self.dispatch, self.admit, lambda *_: None, self.max_body, self.crowd)
        connection.connection_made(Wire())
        return connection


@pytest.fixture
async def clients():
    return Clients()


async def test_the_next_request_with_the_same_head_is_not_parsed(clients):
    connection = clients.connect()
    connection.data_received(request(b"{}"))
    connection.data_received(request(b'{"longer":1}'))
    first, second = clients.seen
    assert first[:3] == second[:3]
    assert (first[3], second[3]) == (b"{}", b'{"longer":1}')
    assert clients.admitted == 1


async def test_who_has_not_shown_the_key_is_looked_at_by_the_parser(clients):
    clients.connect().data_received(request())
    clients.connect().data_received(request())
    assert (clients.admitted, len(clients.seen)) == (2, 2)


async def test_a_request_is_the_same_wherever_it_is_cut_though_its_head_is_known(clients):
    whole, other = request(b"{}"), request(b'{"x":1}')
    connection = clients.connect()
    connection.data_received(whole)
    for cut in range(1, len(whole)):
        connection.data_received(whole[:cut])
        connection.data_received(whole[cut:])
        connection.data_received(whole + other[:cut])
        connection.data_received(other[cut:])
    bodies = [body for *_, body in clients.seen]
    assert bodies == [b"{}"] + [b"{}", b"{}", b'{"x":1}'] * (len(whole) - 1)
    assert not connection.transport.closed


async def test_what_looks_like_a_request_within_another_one_is_not_taken_for_one(clients):
    connection = clients.connect()
    connection.data_received(request())
    within = request()
    connection.data_received(request(within, route=b"embeddings")[: -len(within)])
    connection.data_received(within)
    assert [(path, body) for _, path, _, body in clients.seen[1:]] == [("/first/v1/embeddings", within)]


@pytest.mark.parametrize(
    "other",
    [
        request(more=b"\r\nX: 1"),
        request().replace(b"POST", b"GET"),
        request().replace(b"Bearer k", b"Bearer l"),
        request().replace(b"chat/", b""),
        request().replace(b"Host: x", b"Host: y"),
        request(more=b"\r\nConnection: close"),
    ],
)
async def test_any_other_byte_in_a_head_makes_it_another_one(clients, other):
    connection = clients.connect()
    connection.data_received(request())
    connection.data_received(other)
    assert (clients.admitted, len(clients.seen)) == (2, 2)


@pytest.mark.parametrize(
    "length", [b"-2", b"+2", b"2 2", b"0x2", b"2\r\nContent-Length: 2", b"2\r\nTransfer-Encoding: chunked"]
)
async def test_a_length_that_the_parser_refuses_is_refused_after_a_known_head_too(clients, length):
    connection = clients.connect()
    connection.data_received(request())
    connection.data_received(request().replace(b"Content-Length: 2", b"Content-Length: " + length))
    assert b"HTTP/1.1 400" in connection.transport.written
    assert len(clients.seen) == 1


async def test_a_body_that_is_too_large_is_refused_though_its_head_is_known():
    clients = Clients(max_body=10)
    connection = clients.connect()
    connection.data_received(request())
    connection.data_received(request(b"x" * 11))
    assert b"HTTP/1.1 413" in connection.transport.written
    assert len(clients.seen) == 1


async def test_a_client_that_says_so_is_hung_up_on_though_its_head_is_known(clients):
    for _ in range(2):
        connection = clients.connect()
        connection.data_received(request())
        connection.data_received(request(more=b"\r\nConnection: close"))
        assert connection.transport.closed


async def test_what_is_waited_for_by_a_client_is_not_remembered(clients):
    connection = clients.connect()
    for _ in range(2):
        connection.data_received(request(more=b"\r\nExpect: 100-continue"))
    assert connection.transport.written.count(b"100 Continue") == 2


async def test_no_more_heads_are_remembered_than_fit(clients, monkeypatch):
    monkeypatch.setattr(known_heads, "MOST", 3)
    connection = clients.connect()
    for number in range(20):
        connection.data_received(request(more=b"\r\nX: %d" % number))
    assert len(clients.crowd.heads._known) <= 3
    connection.data_received(request(more=b"\r\nX: " + b"y" * known_heads.LARGEST))
    assert len(clients.seen) == 21


async def test_a_new_catalog_makes_all_heads_new(plane, client, replica_server):
    replica = await replica_server(json_answer())
    plane.catalog(replica)
    for _ in range(2):
        await client.post("/v1/chat/completions", json=CHAT)
    assert len(plane.plane.crowd.heads._known) == 1
    plane.catalog(replica)
    assert len(plane.plane.crowd.heads._known) == 0
