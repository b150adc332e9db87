"""What comes while an answer is being written, or a body handed over, harms neither."""

import pytest
from first_jupyter_server.dataplane.crowd import Crowd
from first_jupyter_server.dataplane.downstream import Connection

from .still_loop import StillLoop, StillTransport

HEAD = b"POST / HTTP/1.1\r\nhost: x\r\n"
ASKS_FIRST = HEAD + b"content-length: 3\r\nexpect: 100-continue\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Taker:
    """Takes a body, and would answer at its end."""

    def __init__(self):
        self.taken = b""
        self.gone = False

    def take(self, data):
        self.taken += data

    def on_client_gone(self):
        self.gone = True


@pytest.fixture
def loop():
    with StillLoop() as loop:
        yield loop


def connected(taker=None):
    transport = StillTransport()
    connection = Connection(lambda *_: None, lambda _: None, lambda *_: taker, 2**20, Crowd())
    transport.on_closed = lambda: connection.connection_lost(None)
    connection.connection_made(transport)
    return connection, transport


def test_who_asks_before_it_sends_a_body_is_told_once_the_answer_before_is_whole(loop):
    connection, transport = connected()
    connection.data_received(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    connection.write(b"half an answer, ")
    connection.data_received(ASKS_FIRST)
    connection.write(b"and its end")
    assert bytes(transport.written) == b"half an answer, and its end"
    connection.finish()
    assert transport.written.endswith(b"and its end" + CONTINUE)


def test_who_sends_the_body_all_the_same_is_not_told(loop):
    connection, transport = connected()
    connection.data_received(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n" + ASKS_FIRST + b"abc")
    connection.finish()
    assert CONTINUE not in transport.written


def test_a_client_whose_upload_breaks_is_not_left_waiting(loop):
    taker = Taker()
    connection, transport = connected(taker)
    connection.data_received(HEAD + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\nZ")
    assert taker.taken == b"abc"
    assert taker.gone
    assert transport.aborted
