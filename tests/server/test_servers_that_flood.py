"""Servers that send what no server should: the client is told, and nothing of it piles up."""

import asyncio
import contextlib

import httpx
import pytest
from first_jupyter_server.dataplane import upstream
from first_jupyter_server.dataplane.sieve import MAX_EVENT
from first_jupyter_server.dataplane.splice import Diverged, Splice
from first_jupyter_server.dataplane.transcript import SoFar

from .conftest import CHAT, begin_events, event, json_answer

ROUTE = "/v1/chat/completions"
STREAM = {**CHAT, "stream": True}
MB = b"x" * 2**20
GB = 1024
"""In megabytes."""


class Flood:
    """Sends a beginning, and then the same piece again and again; knows how many megabytes were taken."""

    def __init__(self, beginning, piece=MB):
        self.beginning, self.piece, self.taken = beginning, piece, 0

    async def __call__(self, asked, writer):
        writer.write(self.beginning)
        with contextlib.suppress(ConnectionError):
            while self.taken < GB:
                writer.write(self.piece)
                await writer.drain()
                self.taken += len(self.piece) / len(MB)


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
NEVER_WHOLE = {
    "a header": (OK + b"x-much: ", MB),
    "headers": (OK, b"x-one: of many\r\n" * 4096),
    "a reason": (b"HTTP/1.1 200 O", MB),
    "interim answers": (b"", b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 4096),
    "a chunk's extension": (CHUNKED + b"5;x=", MB),
}


@pytest.mark.parametrize("what", NEVER_WHOLE)
async def test_an_answer_that_never_gets_to_its_body_is_given_up(plane, client, replica_server, what):
    floods = [Flood(*NEVER_WHOLE[what]), Flood(*NEVER_WHOLE[what])]
    plane.catalog(*[await replica_server(flood) for flood in floods])
    answer = await client.post(ROUTE, json=STREAM)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "replica_lost")
    # What is in the sockets' buffers was taken too.
    assert all(flood.taken < 32 for flood in floods)


async def test_trailers_without_end_are_given_up(plane, client, replica_server):
    flood = Flood(CHUNKED + b"9\r\ndata: x\n\n\r\n0\r\nx-much: ")
    plane.catalog(await replica_server(flood))
    assert "answer_cut_short" in (await client.post(ROUTE, json=STREAM)).text
    assert flood.taken < 32


async def test_half_a_head_and_then_silence_is_given_up(plane, client, replica_server, monkeypatch):
    monkeypatch.setattr(upstream, "HEAD_WITHIN", 0.1)

    async def stops(asked, writer):
        writer.write(OK + b"content-ty")
        await asyncio.sleep(60)

    plane.catalog(await replica_server(stops), await replica_server(json_answer()))
    assert (await client.post(ROUTE, json=CHAT)).status_code == 200


async def test_a_head_that_is_whole_may_be_followed_by_silence(plane, client, replica_server, monkeypatch):
    monkeypatch.setattr(upstream, "HEAD_WITHIN", 0.1)

    async def thinks(asked, writer):
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await asyncio.sleep(0.3)
        await begin_events(writer)
        await asyncio.sleep(0.3)
        await event(writer, b"[DONE]")
        writer.write(b"0\r\n\r\n")

    plane.catalog(await replica_server(thinks))
    assert (await client.post(ROUTE, json=STREAM)).text == "data: [DONE]\n\n"


async def test_a_line_without_end_is_passed_on_at_the_pace_of_its_reader(plane, client, replica_server):
    flood = Flood(CHUNKED + b"%x\r\n" % (GB * len(MB)))
    plane.catalog(await replica_server(flood))
    async with client.stream("POST", ROUTE, json=STREAM) as stream:
        async for _ in stream.aiter_bytes():
            await asyncio.sleep(0.2)
            break
    assert 0 < flood.taken < 64


def test_a_line_without_end_is_nothing_to_go_on_with():
    splice = Splice(SoFar(text="1. Red:"), "", 4, ())
    splice.feed(b"x" * MAX_EVENT)
    with pytest.raises(Diverged):
        splice.feed(b"x")


async def test_a_refusal_without_end_is_told_as_far_as_it_is_kept(plane, client, replica_server):
    flood = Flood(b"HTTP/1.1 503 Full\r\ncontent-length: %d\r\n\r\n" % (GB * len(MB)))
    plane.catalog(await replica_server(flood))
    answer = await client.post(ROUTE, json=CHAT)
    assert (answer.status_code, len(answer.content)) == (503, 65_536)
    assert flood.taken < 32


def of_length(stated):
    """Answer with eleven bytes that are said to be another number."""

    async def answer(asked, writer):
        writer.write(OK + b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % stated)
        writer.write(b'{"ok":true}')
        await writer.drain()
        writer.close()

    return answer


async def test_an_answer_that_is_longer_than_it_says_is_none(plane, client, replica_server):
    plane.catalog(await replica_server(of_length(5)), await replica_server(of_length(5)))
    answer = await client.post(ROUTE, json=CHAT)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "replica_lost")


async def test_an_answer_that_is_shorter_than_it_says_is_a_broken_connection(plane, client, replica_server):
    plane.catalog(await replica_server(of_length(20)))
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post(ROUTE, json=CHAT)
