"""Rows of a batch that are asked from beside their inference server, and come back as one answer."""

import json
import socket
from contextlib import closing

import pytest
from first_jupyter_remote.protocol.parts import lasts
from first_jupyter_remote.protocol.shards import Line, read_request, request
from first_jupyter_remote.shard import Shard
from small_server import KEY, SmallServer


@pytest.fixture
def server():
    with SmallServer() as running:
        yield running


def rows(*does):
    return [(number, json.dumps({"do": do}).encode()) for number, do in enumerate(does, 1)]


def shard(server, asked, width=3, endpoint="/rows", batch="batch_1"):
    connect = lambda: socket.create_connection(("127.0.0.1", server.port))  # noqa: E731
    return closing(Shard(connect, KEY, request(endpoint, width, asked, batch)))


def received(answer):
    """Take an answer to its end; return its head, and its lines by their numbers."""
    data = b""
    while piece := answer.receive(100, 20.0):
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    text = b""
    while body != b"0\r\n\r\n":
        size, _, body = body.partition(b"\r\n")
        text, body = text + body[: int(size, 16)], body[int(size, 16) + 2 :]
    lines = [Line.from_bytes(line) for line in text.splitlines()]
    return head, {line.number: line for line in lines}


def test_a_request_says_how_rows_are_asked():
    asked = read_request(request("/v1/embeddings", 7, [(3, b'{"a": "\\t"}'), (9, b"{}")], "batch_1"))
    assert asked == ("/v1/embeddings", 7, [(3, b'{"a": "\\t"}'), (9, b"{}")], "batch_1")


def test_a_request_without_rows_has_an_answer_without_lines(server):
    with shard(server, []) as answer:
        assert received(answer)[1] == {}


@pytest.mark.parametrize("line", [b"", b"1\t200\t{}", b"x\t200\tid\t{}"])
def test_what_is_no_line_is_told(line):
    with pytest.raises(ValueError, match=r"."):
        Line.from_bytes(line)


def test_each_row_has_a_line_with_what_the_server_said(server):
    with shard(server, rows("answer", "refuse", "fail", "answer")) as answer:
        head, lines = received(answer)
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert {number: line.status for number, line in lines.items()} == {1: 200, 2: 400, 3: 500, 4: 200}
    assert json.loads(lines[2].body) == {"do": "refuse"}
    assert b"\n" not in lines[1].body


def test_a_row_s_id_is_known_to_its_server_and_to_who_asked(server):
    with shard(server, rows("answer", "fail")) as answer:
        lines = received(answer)[1]
    assert {line.request_id for line in lines.values()} == {"batch_1-1", "batch_1-2"}
    assert {seen["x-request-id"] for seen in server.seen} == {"batch_1-1", "batch_1-2"}


def test_as_many_rows_are_asked_at_a_time_as_the_request_says(server):
    with shard(server, rows(*["answer"] * 30), width=4) as answer:
        assert len(received(answer)[1]) == 30
    assert server.most_at_once == 4


def test_the_key_is_the_server_s(server):
    with shard(server, rows("answer")) as answer:
        received(answer)
    assert server.seen[0]["authorization"] == f"Bearer {KEY}"


def test_a_row_whose_connection_breaks_has_no_line_and_the_others_have(server):
    with shard(server, rows("answer", "break", "answer", "answer", "answer")) as answer:
        assert sorted(received(answer)[1]) == [1, 3, 4, 5]


def test_a_server_that_is_gone_ends_it_instead_of_failing_row_by_row(server):
    with shard(server, rows(*["break"] * 500)) as answer:
        assert received(answer)[1] == {}
    assert len(server.seen) < 20


def test_who_leaves_hangs_up_on_what_is_being_asked(server):
    with shard(server, rows("wait", "wait"), width=1) as answer:
        assert answer.receive(1000, 1.0).startswith(b"HTTP/1.1 200")
        with pytest.raises(TimeoutError):
            answer.receive(1000, 0.5)
    assert server.left.wait(10)


def test_an_hour_of_a_shard_comes_in_less_than_eighty_parts():
    ends, number = 0.0, 0
    while ends < 3600:
        ends += lasts(number, shard=True)
        number += 1
    assert number < 80
