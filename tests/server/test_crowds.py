"""More clients than there are descriptors for: they are told so, and all others go on."""

import asyncio

import httpx
import pytest
from first_jupyter_server.dataplane.crowd import Crowd

from .conftest import CHAT, KEY, begin_events, end_events, json_answer, until

ROUTE = "/v1/chat/completions"


@pytest.fixture
async def someone(plane):
    """Return a function that returns one more client, who has a connection of its own."""
    everyone = []

    def come():
        headers = {"Authorization": f"Bearer {KEY}"}
        everyone.append(httpx.AsyncClient(base_url=plane.url, headers=headers, timeout=10, trust_env=False))
        return everyone[-1]

    yield come
    for each in everyone:
        await each.aclose()


async def test_who_finds_no_room_is_told_and_all_others_go_on(plane, someone, replica_server):
    may_end = asyncio.Event()

    async def answer(asked, writer):
        await begin_events(writer)
        await may_end.wait()
        await end_events(writer)

    replica = await replica_server(answer)
    plane.catalog(replica)
    plane.plane.crowd = Crowd(2)
    asking = [asyncio.create_task(someone().post(ROUTE, json={**CHAT, "stream": True})) for _ in range(2)]
    await until(lambda: len(replica.asked) == 2)
    refused = await someone().post(ROUTE, json=CHAT)
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "too_many_connections")
    assert refused.headers["retry-after"] == "1"
    may_end.set()
    assert [(await each).text for each in asking] == ["data: [DONE]\n\n"] * 2


async def test_who_comes_when_others_have_left_finds_room(plane, someone, replica_server):
    plane.catalog(await replica_server(json_answer()))
    plane.plane.crowd = Crowd(1)
    first, second = someone(), someone()
    assert (await first.post(ROUTE, json=CHAT)).status_code == 200
    assert (await second.post(ROUTE, json=CHAT)).status_code == 503
    await first.aclose()
    await until(lambda: not len(plane.plane.crowd))
    assert (await second.post(ROUTE, json=CHAT)).status_code == 200


def test_each_client_takes_two_descriptors(monkeypatch):
    monkeypatch.setattr("first_jupyter_server.dataplane.crowd.allowed", lambda: 264)
    assert Crowd()._most == 100
