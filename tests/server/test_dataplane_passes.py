"""Requests for files and batches are passed on to the process that has them, both ways as they come."""

import asyncio

import httpx
import pytest

from .conftest import KEY, FakeReplica, json_answer, until

FILES, BATCHES = "/v1/files", "/v1/batches"


@pytest.fixture
async def service(plane, tmp_path):
    """Stands in for that process, on a socket of its own."""
    fake = FakeReplica(json_answer(b'{"object":"list"}'))
    path = str(tmp_path / "batches")
    server = await asyncio.start_unix_server(fake.serve, path)
    plane.configure(batches=path)
    yield fake
    server.close()


async def test_a_request_and_its_answer_are_passed_on(client, service):
    answer = await client.get(f"{BATCHES}?limit=3&after=batch_1")
    assert (answer.status_code, answer.json()) == (200, {"object": "list"})
    (asked,) = service.asked
    assert asked.target == "/first/v1/batches?limit=3&after=batch_1"
    assert "authorization" not in asked.headers


async def test_a_body_that_is_collected_is_passed_on_whole(client, service):
    await client.post(BATCHES, json={"endpoint": "/v1/embeddings"})
    assert service.asked[0].body == b'{"endpoint":"/v1/embeddings"}'


async def test_a_file_is_larger_than_a_body_may_be(client, service, plane):
    plane.configure(max_body=1_000, batches=plane.plane.batches)
    content = b"x" * 2_000_000
    assert (await client.post(FILES, content=content)).status_code == 200
    assert service.asked[0].body == content
    assert (await client.post(BATCHES, content=content)).status_code == 413


async def test_an_upload_goes_on_as_it_comes(plane, tmp_path, client):
    """What does not say how long it is comes in pieces, and the first is there before the last was sent."""
    seen, go_on = [], asyncio.Event()

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        seen.append(await reader.readuntil(b"first\r\n"))
        go_on.set()
        seen.append(await reader.readuntil(b"0\r\n\r\n"))
        await json_answer()(None, writer)
        writer.close()

    server = await asyncio.start_unix_server(serve, tmp_path / "slow")
    plane.configure(batches=str(tmp_path / "slow"))

    async def body():
        yield b"first"
        await go_on.wait()
        yield b"second"

    async with asyncio.timeout(10):
        assert (await client.post(FILES, content=body())).status_code == 200
    assert seen == [b"5\r\nfirst\r\n", b"6\r\nsecond\r\n0\r\n\r\n"]
    server.close()


async def test_the_next_request_of_a_connection_is_answered_too(client, service):
    for number in range(3):
        assert (await client.post(FILES, content=b"x" * number)).status_code == 200
        assert (await client.get(FILES)).status_code == 200
    assert len(service.asked) == 6


async def test_where_a_notebook_s_requests_may_go_is_told(client, service, plane):
    plane.catalog()
    plane.plane.receive({"type": "rules", "rules": {"abc": {"avoid": [], "prefer": [], "stay": ["desk"]}}})
    headers = {"authorization": f"Bearer {KEY}.abc", "x-first-prefer": "desk"}
    await client.post(BATCHES, json={}, headers=headers)
    asked = service.asked[0].headers
    assert (asked["x-first-stay"], asked["x-first-prefer"]) == ("desk", "desk")


async def test_who_leaves_breaks_the_upload_off(service, plane):
    _, writer = await asyncio.open_connection("127.0.0.1", plane.port)
    head = (
        f"POST /first{FILES} HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {KEY}\r\ncontent-length: 99\r\n\r\n"
    )
    writer.write(head.encode() + b"part of it")
    await until(lambda: service.connections)
    writer.close()
    await service_hung_up(service)


async def service_hung_up(service):
    async with asyncio.timeout(5):
        await service.hung_up.wait()


async def test_who_has_no_key_uploads_nothing(plane, service, client):
    answer = await client.post(FILES, content=b"x", headers={"authorization": "Bearer wrong"})
    assert answer.status_code == 401
    assert service.connections == 0


async def test_while_the_process_is_away_clients_are_told_to_ask_again(plane, client, tmp_path):
    plane.configure(batches=str(tmp_path / "nobody"))
    answer = await client.get(FILES)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["error"]["code"] == "batches_restart"


async def test_an_answer_that_breaks_off_is_broken_off(plane, client, tmp_path):
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf of it")
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(serve, tmp_path / "half")
    plane.configure(batches=str(tmp_path / "half"))
    with pytest.raises(httpx.TransportError):
        await client.get(f"{FILES}/file-1/content")
    server.close()
