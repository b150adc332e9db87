"""Where all replicas are full, requests wait in a line in which notebooks take turns."""

import asyncio
import json

import pytest
from first_jupyter_server.federation import tuning

from .conftest import CHAT, KEY, MODEL, as_replica, json_answer, until

ROUTE = "/v1/chat/completions"
AT_ONCE = int(tuning.OVERCOMMIT)


class Slow:
    """A replica with one slot that answers one request each time it is told to."""

    def __init__(self):
        self.served = []
        self._go_on = asyncio.Semaphore(0)

    async def answer(self, asked, writer):
        self.served.append(json.loads(asked.body)["user"])
        await self._go_on.acquire()
        await json_answer()(asked, writer)

    def let(self, number=1):
        for _ in range(number):
            self._go_on.release()


@pytest.fixture
async def slow(plane, replica_server):
    replica = Slow()
    plane.catalog(as_replica(await replica_server(replica.answer), slots=1))
    return replica


@pytest.fixture
def ask(client):
    """Asks in the name of a notebook; the request is named after it."""

    def start(label, name, **headers):
        headers = {"authorization": f"Bearer {KEY}.{label}", **headers}
        return asyncio.create_task(client.post(ROUTE, json={**CHAT, "user": name}, headers=headers))

    return start


async def full(plane, slow, ask):
    """Fill the replica."""
    asking = [ask("first", f"first{number}") for number in range(AT_ONCE)]
    await until(lambda: len(slow.served) == AT_ONCE)
    return asking


async def in_line(plane, number):
    await until(lambda: plane.plane.counts().get((MODEL, "desk"), (0, 0))[1] == number)


async def test_a_replica_gets_no_more_at_once_than_it_is_to(plane, slow, ask):
    asking = [*await full(plane, slow, ask), ask("first", "later")]
    await in_line(plane, 1)
    assert plane.plane.counts() == {(MODEL, "desk"): (AT_ONCE, 1)}
    slow.let()
    await until(lambda: slow.served[-1] == "later")
    slow.let(AT_ONCE)
    assert {answer.status_code for answer in await asyncio.gather(*asking)} == {200}


async def test_notebooks_take_turns(plane, slow, ask):
    asking = await full(plane, slow, ask)
    for number, name in enumerate(["a1", "a2", "a3", "b1", "c1"], 1):
        asking.append(ask(name[0], name))
        await in_line(plane, number)
    slow.let(len(asking))
    await asyncio.gather(*asking)
    assert slow.served[AT_ONCE:] == ["a1", "b1", "c1", "a2", "a3"]


async def test_who_leaves_the_line_is_not_served(plane, slow, ask):
    asking = await full(plane, slow, ask)
    leaving = ask("a", "a1")
    await in_line(plane, 1)
    leaving.cancel()
    await in_line(plane, 0)
    slow.let(AT_ONCE)
    await asyncio.gather(*asking)
    assert "a1" not in slow.served


async def test_a_replica_more_takes_from_the_line(plane, slow, ask, replica_server):
    await full(plane, slow, ask)
    waiting = ask("a", "a1")
    await in_line(plane, 1)
    other = await replica_server(json_answer())
    plane.catalog(as_replica(other, slots=1))
    assert (await waiting).headers["x-first-replica"] == f"r{other.port}"
    slow.let(AT_ONCE)


async def test_who_would_wait_too_long_is_told_for_how_long(plane, slow, ask):
    await full(plane, slow, ask)
    answer = await ask("a", "a1", **{"x-first-wait": "0"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "overloaded")
    assert answer.headers["retry-after"] == f"{tuning.SERVICE:.0f}"
    assert plane.plane.counts() == {(MODEL, "desk"): (AT_ONCE, 0)}
    slow.let(AT_ONCE)


async def test_a_line_that_is_too_long_for_anyone_takes_no_more(plane, slow, ask, monkeypatch):
    monkeypatch.setattr(tuning, "LINE_SECONDS", 2.5 * tuning.SERVICE)
    await full(plane, slow, ask)
    waiting = []
    for number in (1, 2):
        waiting.append(ask("a", f"a{number}"))
        await in_line(plane, number)
    answer = await ask("a", "a3")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
    assert "about 30 s in line" in answer.json()["error"]["message"]
    slow.let(AT_ONCE + 2)
    assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {200}


async def test_who_waits_longer_in_line_than_was_expected_is_told(plane, slow, ask, monkeypatch):
    monkeypatch.setattr(tuning, "SERVICE", 0.1)
    await full(plane, slow, ask)
    answer = await ask("a", "a1", **{"x-first-wait": "0.3"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "overloaded")
    slow.let(AT_ONCE)
