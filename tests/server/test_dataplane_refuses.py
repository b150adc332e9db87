"""What cannot be served is refused in OpenAI's shape, in a sentence that names the remedy."""

import asyncio

import httpx
import pytest

from .conftest import CHAT, KEY, MODEL, json_answer


@pytest.mark.parametrize(
    "key", [None, "Bearer wrong", "Bearer", f"Basic {KEY}", f"Bearer {KEY}x", "Bearer \xff"]
)
@pytest.mark.parametrize(
    "path", ["/v1/models", "/v1/chat/completions", "/api/status", "/api/events", "/nowhere"]
)
async def test_nothing_opens_without_the_key(plane, key, path):
    plane.catalog()
    headers = {} if key is None else {"Authorization": key.encode("latin-1")}
    async with httpx.AsyncClient(trust_env=False) as client:
        for method in ("GET", "POST"):
            answer = await client.request(method, plane.url + path, headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
    assert not plane.messages("control")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("POST", "/v1/chat/completions", b"{", 400, "not valid JSON"),
        ("POST", "/v1/chat/completions", b'{"model":"modle"}', 404, "no model named 'modle'"),
        ("POST", "/v1/chat/completions", b'{"model":"alia"}', 404, "Did you mean alias"),
        ("POST", "/v1/audio", b"{}", 404, "Below /first/v1 there are: models, chat/completions"),
        ("GET", "/v1/chat/completions", b"", 405, "takes POST, not GET"),
        ("POST", "/v1/models", b"", 405, "takes GET, not POST"),
        ("GET", "/v1/models/modle", b"", 404, "no model named 'modle'"),
        ("GET", "/../etc/passwd", b"", 404, "There is nothing at"),
    ],
)
async def test_a_fault_is_named(plane, client, method, path, body, status, words):
    plane.catalog()
    answer = await client.request(method, plane.url + path, content=body)
    error = answer.json()["error"]
    assert answer.status_code == status
    assert words in error["message"]
    assert set(error) == {"message", "type", "param", "code"}


async def test_a_wait_that_is_no_number_is_named(plane, client):
    plane.catalog()
    answer = await client.post("/v1/completions", json=CHAT, headers={"x-first-wait": "soon"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "x-first-wait")


async def test_a_body_that_is_too_large_is_refused_by_its_head(plane, client):
    answer = await client.post("/v1/chat/completions", content=b"x" * (2**20 + 1))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


async def test_a_chunked_body_that_grows_too_large_is_refused(plane, client):
    async def pieces():
        for _ in range(40):
            yield b"x" * 2**15

    answer = await client.post("/v1/chat/completions", content=pieces())
    assert answer.status_code == 413


async def test_a_large_body_is_refused_before_it_is_sent_where_the_client_asks(plane):
    reader, writer = await asyncio.open_connection("127.0.0.1", plane.port)
    writer.write(
        b"POST /first/v1/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer the-scoped-key\r\n"
        b"content-length: 50000000\r\nexpect: 100-continue\r\n\r\n"
    )
    assert b"413" in await reader.readline()
    writer.close()


async def test_a_client_that_asks_first_is_told_to_go_on(plane, replica_server):
    plane.catalog(await replica_server(json_answer()))
    reader, writer = await asyncio.open_connection("127.0.0.1", plane.port)
    writer.write(
        b"POST /first/v1/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer the-scoped-key\r\n"
        b"content-length: 17\r\nexpect: 100-continue\r\n\r\n"
    )
    assert b"100 Continue" in await reader.readuntil(b"\r\n\r\n")
    writer.write(b'{"model":"alias"}')
    assert b"200 OK" in await reader.readline()
    writer.close()


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GARBAGE\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nno colon here\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nx: " + b"y" * 70_000, b"431"),
        (b"POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", b"400"),
    ],
)
async def test_what_is_no_http_is_refused(plane, raw, status):
    reader, writer = await asyncio.open_connection("127.0.0.1", plane.port)
    writer.write(raw)
    assert status in await reader.readline()
    assert await reader.read() != b""
    writer.close()


async def test_a_client_that_leaves_in_the_middle_of_its_request_leaves_nothing(
    plane, client, replica_server
):
    plane.catalog(await replica_server(json_answer()))
    _, writer = await asyncio.open_connection("127.0.0.1", plane.port)
    writer.write(b"POST /first/v1/completions HTTP/1.1\r\nauthorization: Bearer the-scoped-key\r\n")
    writer.write(b"content-length: 9\r\n\r\n{")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await client.post("/v1/completions", json={**CHAT, "model": MODEL})).status_code == 200
