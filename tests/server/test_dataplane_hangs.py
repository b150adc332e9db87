"""A replica that has stopped is left where another one can take its place; a slow one is waited for."""

import asyncio

import pytest
from first_jupyter_server.dataplane import liveness

from .authors import TEXT, Author
from .conftest import CHAT, begin_events, end_events, event, json_answer, until
from .recordings import seen

ROUTE = "/v1/chat/completions"
STREAM = {**CHAT, "stream": True}


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    for name, seconds in (("LOOK_EVERY", 0.05), ("SILENT", 0.2), ("WITHIN", 0.3), ("LIVES_ON", 0.2)):
        monkeypatch.setattr(liveness, name, seconds)


@pytest.fixture
async def there(replica_server):
    return await replica_server(json_answer(b'{"said":"there"}'))


@pytest.fixture
async def stopped(replica_server):
    """A replica that takes requests and says nothing, not even that it lives."""

    async def answer(asked, writer):
        await asyncio.sleep(60)

    return await replica_server(answer)


@pytest.fixture
async def slow(replica_server):
    """A replica that thinks until it is told to go on, and says meanwhile that it lives."""

    async def answer(asked, writer):
        if asked.target != "/v1/models":
            await slow.may_go_on.wait()
        await json_answer()(asked, writer)

    slow = await replica_server(answer)
    slow.may_go_on = asyncio.Event()
    return slow


def questions(replica):
    return [asked for asked in replica.asked if asked.target == "/v1/models"]


async def test_a_request_at_a_stopped_replica_is_answered_by_another(plane, client, stopped, there):
    plane.places(here=[stopped], there=[there])
    answer = await client.post(ROUTE, json=CHAT)
    assert (answer.status_code, answer.headers["x-first-cluster"]) == (200, "there")
    assert questions(stopped)[0].headers["authorization"] == "Bearer its-key"
    assert plane.messages("unreachable")[0]["reason"] == "it has stopped answering"


async def test_a_stopped_replica_is_found_out_while_requests_keep_coming(plane, client, stopped, there):
    plane.places(here=[stopped], there=[there])
    asking = asyncio.create_task(client.post(ROUTE, json=CHAT))
    coming = []
    await until(lambda: stopped.asked)
    while not asking.done() and len(coming) < 40:
        pinned = {**CHAT, "model": f"{CHAT['model']}@here"}
        coming.append(asyncio.create_task(client.post(ROUTE, json=pinned)))
        await asyncio.sleep(0.05)
    assert asking.done()
    assert asking.result().headers["x-first-cluster"] == "there"
    for each in coming:
        each.cancel()


async def test_a_stopped_replica_is_found_out_though_a_client_reads_slowly(
    plane, client, replica_server, there
):
    async def stops(asked, writer):
        if asked.target != "/v1/models" and len(replica.asked) == 1:
            await begin_events(writer)
            writer.write(b"%x\r\n" % 2**30 + b"x" * 2**24)
        await asyncio.sleep(60)

    replica = await replica_server(stops)
    plane.places(here=[replica])
    async with client.stream("POST", ROUTE, json=STREAM) as slow:
        await until(lambda: any(attempt._is_paused for attempt in attempts(plane)))
        asking = asyncio.create_task(client.post(ROUTE, json=CHAT))
        await until(lambda: len(replica.asked) == 2)
        plane.places(here=[replica], there=[there])
        assert (await asking).headers["x-first-cluster"] == "there"
        assert slow.status_code == 200


def attempts(plane):
    return [attempt for each in plane.plane._liveness._attempts.values() for attempt in each]


async def test_several_requests_at_it_are_no_reason_to_ask_it_several_times(plane, client, stopped, there):
    plane.places(here=[stopped])
    asking = [asyncio.create_task(client.post(ROUTE, json=CHAT)) for _ in range(5)]
    await until(lambda: len(stopped.asked) == 5)
    plane.places(here=[stopped], there=[there])
    assert {answer.headers["x-first-cluster"] for answer in await asyncio.gather(*asking)} == {"there"}
    assert len(questions(stopped)) <= 2 * liveness.ASKED


async def test_a_slow_replica_is_waited_for(plane, client, slow, there):
    plane.places(here=[slow], there=[there])
    asking = asyncio.create_task(client.post(ROUTE, json=CHAT))
    await until(lambda: len(questions(slow)) >= 3)
    slow.may_go_on.set()
    assert (await asking).headers["x-first-cluster"] == "here"
    assert not there.asked


async def test_where_there_is_no_other_a_stopped_one_is_waited_for_too(plane, client, stopped, there):
    plane.places(here=[stopped])
    asking = asyncio.create_task(client.post(ROUTE, json=CHAT))
    await until(lambda: len(questions(stopped)) > liveness.ASKED)
    assert not asking.done()
    plane.places(here=[stopped], there=[there])
    assert (await asking).headers["x-first-cluster"] == "there"


async def test_where_its_cluster_gives_it_up_the_request_goes_on(plane, client, stopped, there):
    plane.places(here=[stopped], there={})
    asking = asyncio.create_task(client.post(ROUTE, json=CHAT))
    await until(lambda: questions(stopped))
    plane.places(here={}, there={})
    await plane.until("start")
    plane.places(here={}, there=[there])
    assert (await asking).headers["x-first-cluster"] == "there"


async def test_an_answer_that_stops_in_the_middle_goes_on_elsewhere(plane, client, replica_server):
    async def stops(writer):
        await asyncio.sleep(60)

    author = Author((4, stops))

    async def answer(asked, writer):
        await (stops(writer) if asked.target == "/v1/models" else author(asked, writer))

    plane.places(here=[await replica_server(answer)], there=[await replica_server(author)])
    async with client.stream("POST", ROUTE, json=STREAM) as stream:
        answer = seen(await stream.aread())
    assert (answer.text, answer.done, answer.errors) == (TEXT, True, [])
    assert stream.headers["x-first-cluster"] == "here"


async def test_an_answer_that_stops_and_cannot_go_on_elsewhere_is_waited_for(plane, client, replica_server):
    may_go_on = asyncio.Event()

    async def pauses(writer):
        await may_go_on.wait()
        await end_events(writer)

    author = Author((4, pauses))

    async def answer(asked, writer):
        if asked.target == "/v1/models":
            questions.append(asked)
            await asyncio.sleep(60)
        await author(asked, writer)

    questions = []
    plane.places(here=[await replica_server(answer)], there=[await replica_server(author)])
    asking = asyncio.create_task(client.post(ROUTE, json={**STREAM, "n": 2}))
    await until(lambda: len(questions) > 2 * liveness.ASKED)
    may_go_on.set()
    assert (await asking).text.endswith("data: [DONE]\n\n")


async def test_a_replica_whose_answers_come_is_not_asked(plane, client, replica_server):
    async def steady(asked, writer):
        await begin_events(writer)
        for _ in range(30):
            await event(writer)
            await asyncio.sleep(0.02)
        await event(writer, b"[DONE]")
        writer.write(b"0\r\n\r\n")

    steady = await replica_server(steady)
    plane.places(here=[steady])
    async with client.stream("POST", ROUTE, json=STREAM) as stream:
        assert [line async for line in stream.aiter_lines()][-2] == "data: [DONE]"
    assert not questions(steady)


async def test_nobody_looks_while_nothing_runs(plane, client, there):
    plane.places(there=[there])
    await client.post(ROUTE, json=CHAT)
    await until(lambda: plane.plane._liveness._timer is None)
    assert plane.plane.counts() == {}
