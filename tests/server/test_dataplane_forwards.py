"""A request goes to a replica and its answer comes back, byte for byte."""

import asyncio
import json

import pytest

from .conftest import CHAT, MODEL, begin_events, end_events, event, json_answer

ODD_BODY = b'{ "model":"alias", "top_k": 5.0, "chat_template_kwargs":{"model":"x"}, "messages":[] }'


async def test_the_body_arrives_as_it_was_but_for_the_models_name(plane, client, replica_server):
    replica = await replica_server(json_answer())
    plane.catalog(replica)
    await client.post("/v1/chat/completions", content=ODD_BODY)
    assert replica.asked[0].body == ODD_BODY.replace(b"alias", MODEL.encode())


async def test_a_body_that_names_the_model_is_not_touched_at_all(plane, client, replica_server):
    replica = await replica_server(json_answer())
    plane.catalog(replica)
    body = ODD_BODY.replace(b"alias", MODEL.encode())
    await client.post("/v1/completions", content=body)
    assert replica.asked[0].body == body
    assert replica.asked[0].target == "/v1/completions"


async def test_the_replica_gets_its_own_key_and_no_hop_by_hop_header(plane, client, replica_server):
    replica = await replica_server(json_answer())
    plane.catalog(replica)
    headers = {
        "TE": "trailers",
        "Cookie": "c=1",
        "x-first-wait": "5",
        "x-stainless-lang": "python",
        "Connection": "keep-alive",
    }
    await client.post("/v1/embeddings", json=CHAT, headers=headers)
    asked = replica.asked[0].headers
    assert asked["authorization"] == "Bearer its-key"
    assert asked["x-stainless-lang"] == "python"
    assert not {"te", "cookie", "x-first-wait", "connection", "transfer-encoding"} & set(asked)


async def test_the_answer_says_who_served(plane, client, replica_server):
    replica = await replica_server(json_answer())
    plane.catalog(replica)
    answer = await client.post("/v1/chat/completions", json=CHAT, headers={"x-request-id": "mine"})
    assert answer.json() == {"ok": True}
    assert answer.headers["x-first-cluster"] == "desk"
    assert answer.headers["x-first-replica"] == f"r{replica.port}"
    assert answer.headers["x-first-route"] == "direct"
    assert answer.headers["x-request-id"] == "mine"
    assert replica.asked[0].headers["x-request-id"] == "mine"


@pytest.mark.parametrize("stated", [b"", b"two words", b"a\tb", b"\xff", b"x" * 129])
async def test_an_id_that_would_spoil_a_log_is_made_anew(plane, client, replica_server, stated):
    replica = await replica_server(json_answer())
    plane.catalog(replica)
    answer = await client.post("/v1/chat/completions", json=CHAT, headers={b"x-request-id": stated})
    assert answer.headers["x-request-id"] == replica.asked[0].headers["x-request-id"]
    assert answer.headers["x-request-id"].startswith("req-")


async def test_a_replicas_refusal_comes_through_as_it_is(plane, client, replica_server):
    replica = await replica_server(json_answer(b'{"error":{"message":"too long"}}', b"400 Bad Request"))
    plane.catalog(replica)
    answer = await client.post("/v1/chat/completions", json=CHAT)
    assert (answer.status_code, answer.json()) == (400, {"error": {"message": "too long"}})


async def test_events_come_one_by_one_as_they_are_made(plane, client, replica_server):
    may_go_on = asyncio.Event()

    async def answer(asked, writer):
        await begin_events(writer)
        await event(writer, b'{"n":1}')
        await may_go_on.wait()
        await event(writer, b'{"n":2}')
        await end_events(writer)

    plane.catalog(await replica_server(answer))
    async with client.stream("POST", "/v1/chat/completions", json={**CHAT, "stream": True}) as stream:
        lines = stream.aiter_lines()
        assert await anext(lines) == 'data: {"n":1}'
        may_go_on.set()
        assert [line async for line in lines if line] == ['data: {"n":2}', "data: [DONE]"]
    assert stream.headers["cache-control"] == "no-cache"


async def test_connections_to_a_replica_are_kept(plane, client, replica_server):
    replica = await replica_server(json_answer())
    plane.catalog(replica)
    for _ in range(3):
        await client.post("/v1/chat/completions", json=CHAT)
    assert (len(replica.asked), replica.connections) == (3, 1)


async def test_a_kept_connection_that_the_replica_closed_is_replaced_unseen(plane, client, replica_server):
    async def once(asked, writer):
        await json_answer()(asked, writer)
        if len(replica.asked) == 1:
            writer.transport.call_later = None
            asyncio.get_running_loop().call_later(0.05, writer.close)

    replica = await replica_server(once)
    plane.catalog(replica)
    await client.post("/v1/chat/completions", json=CHAT)
    await asyncio.sleep(0.1)
    assert (await client.post("/v1/chat/completions", json=CHAT)).status_code == 200
    assert replica.connections == 2


async def test_a_slow_reader_holds_the_replica_back(plane, replica_server):
    written = 0

    async def answer(asked, writer):
        nonlocal written
        await begin_events(writer)
        for _ in range(4000):
            await event(writer, b"x" * 10_000)
            written += 10_000
        await end_events(writer)

    plane.catalog(await replica_server(answer))
    reader, writer = await asyncio.open_connection("127.0.0.1", plane.port, limit=2**14)
    body = json.dumps({**CHAT, "stream": True}).encode()
    head = "POST /first/v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer the-scoped-key\r\n"
    writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    await asyncio.sleep(1)
    held_at = written
    await asyncio.sleep(0.5)
    assert written == held_at < 40_000_000
    received = 0
    while data := await reader.read(2**16):
        received += len(data)
        if data.endswith(b"0\r\n\r\n"):
            break
    assert received > 40_000_000
    writer.close()


@pytest.mark.parametrize("pipelined", [1, 5])
async def test_requests_sent_without_waiting_are_answered_in_order(plane, replica_server, pipelined):
    async def echo(asked, writer):
        await json_answer(json.dumps(json.loads(asked.body)["n"]).encode())(asked, writer)

    plane.catalog(await replica_server(echo))
    reader, writer = await asyncio.open_connection("127.0.0.1", plane.port)
    for n in range(pipelined):
        body = json.dumps({**CHAT, "n": n}).encode()
        head = "POST /first/v1/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer the-scoped-key\r\n"
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    for n in range(pipelined):
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(1) == str(n).encode()
    writer.close()


async def test_how_a_request_ended_is_told_for_the_ledger(plane, client, replica_server):
    usage = b'{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":5}}'
    plane.catalog(await replica_server(json_answer(usage)))
    await client.post("/v1/chat/completions", json=CHAT)
    (outcome,) = (await plane.until("done"))["outcomes"]
    assert (outcome["model"], outcome["cluster"], outcome["status"], outcome["outcome"]) == (
        MODEL,
        "desk",
        200,
        "ok",
    )
    assert (outcome["prompt_tokens"], outcome["completion_tokens"]) == (7, 5)
    assert "hello" not in json.dumps(plane.said)


async def test_models_are_listed_as_openai_lists_them(plane, client):
    plane.catalog()
    answer = (await client.get("/v1/models")).json()
    assert answer["object"] == "list"
    assert [(entry["id"], entry["object"], entry["x_first"]["state"]) for entry in answer["data"]] == [
        (MODEL, "model", "cold")
    ]
    assert (await client.get(f"/v1/models/{MODEL}")).json() == answer["data"][0]
    assert (await client.get("/v1/models/alias")).json()["id"] == MODEL
