"""When something breaks, the client is told, or never notices; an answer is never cut silently."""

import asyncio

import httpx
import pytest

from .conftest import CHAT, MODEL, begin_events, event, json_answer, until

STREAM = {**CHAT, "stream": True}


async def text_of(client, route="/v1/chat/completions"):
    async with client.stream("POST", route, json=STREAM) as stream:
        return "".join([piece async for piece in stream.aiter_text()])


async def test_a_replica_that_dies_in_the_middle_ends_the_stream_with_an_error_event(
    plane, client, replica_server
):
    async def dies(asked, writer):
        await begin_events(writer)
        await event(writer, b'{"n":1}')
        writer.transport.abort()

    plane.catalog(await replica_server(dies))
    text = await text_of(client)
    assert text.startswith('data: {"n":1}\n\ndata: {"error":')
    assert "answer is incomplete: the model's server on desk went away" in text


async def test_the_error_event_stands_on_its_own_after_half_an_event(plane, client, replica_server):
    async def dies(asked, writer):
        await begin_events(writer)
        writer.write(b'd\r\ndata: {"half"\r\n')
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.transport.abort()

    plane.catalog(await replica_server(dies))
    assert '{"half"\n\ndata: {"error":' in await text_of(client, "/v1/responses")


@pytest.mark.parametrize(
    ("route", "flawed"), [("chat/completions", True), ("completions", True), ("responses", False)]
)
async def test_a_stream_that_ends_without_its_end_mark_is_not_taken_for_whole(
    plane, client, replica_server, route, flawed
):
    async def stops(asked, writer):
        await begin_events(writer)
        await event(writer)
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    plane.catalog(await replica_server(stops))
    assert ("ended the stream early" in await text_of(client, f"/v1/{route}")) is flawed


async def test_a_whole_answer_that_is_cut_is_a_broken_connection(plane, client, replica_server):
    async def cuts(asked, writer):
        writer.write(
            b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"id":'
        )
        await writer.drain()
        writer.transport.abort()

    plane.catalog(await replica_server(cuts))
    with pytest.raises(httpx.TransportError):
        await client.post("/v1/chat/completions", json=CHAT)


async def test_before_the_first_byte_another_replica_takes_over(plane, client, replica_server):
    async def dies(asked, writer):
        writer.transport.abort()

    bad, good = await replica_server(dies), await replica_server(json_answer())
    plane.catalog(bad, good)
    assert (await client.post("/v1/chat/completions", json=CHAT)).status_code == 200
    assert (len(bad.asked), len(good.asked)) == (1, 1)


async def test_a_request_that_breaks_every_replica_is_given_up(plane, client, replica_server):
    async def dies(asked, writer):
        writer.transport.abort()

    first, second = await replica_server(dies), await replica_server(dies)
    plane.catalog(first, second)
    answer = await client.post("/v1/chat/completions", json=CHAT)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "replica_lost")
    assert len(first.asked) + len(second.asked) == 2


async def test_a_client_that_hangs_up_at_the_end_mark_has_got_all(plane, client, replica_server):
    async def slow_to_end(asked, writer):
        await begin_events(writer)
        await event(writer, b"[DONE]")
        await asyncio.sleep(60)

    plane.catalog(await replica_server(slow_to_end))
    async with client.stream("POST", "/v1/chat/completions", json=STREAM) as stream:
        async for piece in stream.aiter_text():
            assert piece == "data: [DONE]\n\n"
            break
    assert (await plane.until("done"))["outcomes"][0]["outcome"] == "ok"


@pytest.mark.parametrize("began", [False, True])
async def test_a_client_that_leaves_frees_the_replica_at_once(plane, client, replica_server, began):
    async def endless(asked, writer):
        if began:
            await begin_events(writer)
            await event(writer)
        await asyncio.sleep(60)

    replica = await replica_server(endless)
    plane.catalog(replica)
    asking = asyncio.create_task(text_of(client))
    await until(lambda: replica.asked)
    asking.cancel()
    async with asyncio.timeout(5):
        await replica.hung_up.wait()
    assert (await plane.until("done"))["outcomes"][0]["outcome"] == "cancelled"
    assert plane.plane.counts() == {}


@pytest.mark.parametrize(
    "garbage",
    [
        b"this is not HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZZ\r\nno\r\n",
        b"HTTP/1.1 200 OK\r\nhalf a hea",
    ],
)
async def test_a_replica_that_talks_garbage_is_told_to_the_client(plane, client, replica_server, garbage):
    async def talks(asked, writer):
        writer.write(garbage)
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.transport.abort()

    plane.catalog(await replica_server(talks), await replica_server(talks))
    answer = await client.post("/v1/chat/completions", json=STREAM)
    assert '"error"' in answer.text


async def test_a_replica_that_leaves_the_catalog_finishes_what_it_is_at(plane, client, replica_server):
    may_go_on = asyncio.Event()

    async def answer(asked, writer):
        await may_go_on.wait()
        await json_answer()(asked, writer)

    replica = await replica_server(answer)
    plane.catalog(replica)
    asking = asyncio.create_task(client.post("/v1/chat/completions", json=CHAT))
    await until(lambda: replica.asked)
    plane.catalog()
    may_go_on.set()
    assert (await asking).status_code == 200


async def test_load_is_spread_over_replicas(plane, client, replica_server):
    may_go_on = asyncio.Event()

    async def answer(asked, writer):
        await may_go_on.wait()
        await json_answer()(asked, writer)

    replicas = [await replica_server(answer), await replica_server(answer)]
    plane.catalog(*replicas)
    asking = [
        asyncio.create_task(client.post("/v1/chat/completions", json={**CHAT, "model": MODEL}))
        for _ in range(6)
    ]
    await until(lambda: sum(len(replica.asked) for replica in replicas) == 6)
    may_go_on.set()
    await asyncio.gather(*asking)
    assert [len(replica.asked) for replica in replicas] == [3, 3]


async def test_a_stream_of_a_stated_length_that_stops_short_ends_with_an_error_all_the_same(
    plane, client, replica_server
):
    async def answer(asked, writer):
        data = b'data: {"choices":[]}\n\n'
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
        writer.write(b"content-length: %d\r\n\r\n%b" % (len(data), data))
        await writer.drain()

    plane.catalog(await replica_server(answer))
    answer = await client.post("/v1/chat/completions", json={**CHAT, "stream": True})
    assert "content-length" not in answer.headers
    assert '"code":"answer_cut_short"' in answer.text
