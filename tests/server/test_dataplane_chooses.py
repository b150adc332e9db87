"""A request is served where it comes first, and where one server will not serve it by the next."""

import asyncio

import pytest
from first_jupyter_server.dataplane import exchange
from first_jupyter_server.federation import tuning
from first_jupyter_server.federation.catalog import State

from .conftest import CHAT, MODEL, as_replica, begin_events, end_events, event, json_answer, until

ROUTE = "/v1/chat/completions"


def says(name):
    return json_answer(b'{"said":"%b"}' % name.encode())


def refuses(status, more=b""):
    async def answer(asked, writer):
        body = b'{"error":{"message":"no"}}'
        writer.write(b"HTTP/1.1 %b\r\ncontent-type: application/json\r\n%b" % (status, more))
        writer.write(b"content-length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()

    return answer


BUSY = refuses(b"503 Service Unavailable")
LIMITED = refuses(b"429 Too Many Requests", b"retry-after: 7\r\n")


@pytest.fixture
async def here(replica_server):
    return await replica_server(says("here"))


@pytest.fixture
async def there(replica_server):
    return await replica_server(says("there"))


def measured(plane, cluster, seconds):
    """Have a cluster known for its time to the first token."""
    replica = as_replica(type("Named", (), {"port": 0}))
    plane.plane.traffic.measures(MODEL).began(
        replica, cluster, seconds, crowd=1.0, now=plane.plane.traffic.clock()
    )


async def served_by(client, body=CHAT, **headers):
    headers = {f"x-first-{name}": value for name, value in headers.items()}
    answer = await client.post(ROUTE, json=body, headers=headers)
    return answer.headers.get("x-first-cluster", answer.status_code)


async def test_the_cluster_that_answers_sooner_serves(plane, client, here, there):
    plane.places(here=[here], there=[there])
    measured(plane, "here", 0.5)
    measured(plane, "there", 0.2)
    assert await served_by(client) == "there"


@pytest.mark.parametrize(
    ("headers", "cluster"),
    [
        ({"avoid": "here"}, "there"),
        ({"avoid": "here, there"}, "here"),
        ({"prefer": "there"}, "there"),
        ({"stay": "there"}, "there"),
        ({"stay": ""}, 400),
        ({"stay": "here", "avoid": "here"}, "here"),
        ({"stay": "nowhere"}, 400),
    ],
)
async def test_headers_say_where_a_request_may_go(plane, client, here, there, headers, cluster):
    plane.places(here=[here], there=[there])
    assert await served_by(client, **headers) == cluster


async def test_these_headers_are_for_us_alone(plane, client, here):
    plane.places(here=[here])
    await served_by(client, avoid="here", prefer="here", stay="here")
    assert not [name for name in here.asked[0].headers if name.startswith("x-first-")]


async def test_a_cluster_that_there_is_not_is_named_with_those_that_there_are(plane, client, here, there):
    plane.places(here=[here], there=[there])
    answer = await client.post(ROUTE, json=CHAT, headers={"x-first-avoid": "here,nowhere"})
    message = "x-first-avoid: there is no cluster named 'nowhere'; there are: here, there."
    assert answer.json()["error"]["message"] == message


async def test_a_pin_leaves_one_cluster(plane, client, here, there):
    plane.places(here=[here], there=[there])
    assert await served_by(client, {**CHAT, "model": "alias@there"}) == "there"


async def test_where_no_cluster_fits_each_ones_reason_is_told(plane, client, here):
    plane.places(here={"replicas": [here], "abilities": ("chat", "tools")}, there={})
    body = {**CHAT, "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}
    answer = await client.post(ROUTE, json=body, headers={"x-first-stay": "here"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "no_cluster_fits")
    assert "here: it cannot do images; there: the data stays at here" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        {"tools": [{"type": "function"}]},
        {"response_format": {"type": "json_schema"}},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
    ],
)
async def test_what_the_body_needs_is_looked_for(plane, client, here, there, body):
    able = ("chat", "tools", "images", "json_schema")
    lacks = {"tools": "tools", "response_format": "json_schema", "messages": "images"}[next(iter(body))]
    plane.places(
        here={"replicas": [here], "abilities": tuple(set(able) - {lacks})},
        there={"replicas": [there], "abilities": able},
    )
    assert await served_by(client, {**CHAT, **body}) == "there"


async def test_a_notebooks_rules_hold_for_its_requests_alone(plane, client, here, there):
    plane.places(here=[here], there=[there])
    rules = {"n1": {"avoid": ["here"], "prefer": [], "stay": None}}
    plane.plane.receive({"type": "rules", "rules": rules})
    assert await served_by(client) == "here"
    client.headers["authorization"] += ".n1"
    assert await served_by(client) == "there"
    assert await served_by(client, stay="here") == "here"


async def test_a_conversation_goes_on_where_it_began(plane, client, replica_server):
    replicas = [await replica_server(says(name)) for name in ("one", "two", "three", "four")]
    plane.catalog(*replicas)
    first = (await client.post(ROUTE, json=CHAT)).headers["x-first-replica"]
    turns = [*CHAT["messages"], {"role": "assistant", "content": "hi"}, {"role": "user", "content": "?"}]
    for _ in range(5):
        answer = await client.post(ROUTE, json={**CHAT, "messages": turns})
        assert answer.headers["x-first-replica"] == first
        turns += [{"role": "assistant", "content": "hm"}, {"role": "user", "content": "?"}]


# one server after the other


@pytest.mark.parametrize("status", [b"502 Bad Gateway", b"503 Service Unavailable", b"504 Gateway Timeout"])
async def test_what_one_server_cannot_serve_another_one_does(plane, client, replica_server, there, status):
    bad = await replica_server(refuses(status))
    plane.places(here=[bad], there=[there])
    assert await served_by(client) == "there"
    assert len(bad.asked) == 1


@pytest.mark.parametrize("answer", [BUSY, LIMITED])
async def test_a_stream_that_waited_goes_on_too(plane, client, replica_server, there, answer):
    plane.places(here=[await replica_server(answer)], there=[there])
    async with client.stream("POST", ROUTE, json={**CHAT, "stream": True}) as stream:
        assert '"there"' in "".join([piece async for piece in stream.aiter_text()])


async def test_where_none_will_serve_it_ends_with_an_error_that_asks_for_no_more_tries(
    plane, client, replica_server
):
    servers = [await replica_server(BUSY) for _ in range(tuning.TRIES + 1)]
    plane.places(**{f"c{number}": [server] for number, server in enumerate(servers)})
    answer = await client.post(ROUTE, json=CHAT)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "no_server_answered")
    assert answer.headers["x-should-retry"] == "false"
    assert sum(len(server.asked) for server in servers) == tuning.TRIES


async def test_the_only_servers_refusal_comes_through_as_it_is(plane, client, replica_server):
    plane.places(here=[await replica_server(BUSY)])
    answer = await client.post(ROUTE, json=CHAT)
    assert (answer.status_code, answer.json()) == (503, {"error": {"message": "no"}})
    assert "x-should-retry" not in answer.headers


async def test_where_there_is_no_other_too_many_requests_come_through_with_their_time(
    plane, client, replica_server
):
    plane.places(here=[await replica_server(LIMITED)], there={})
    answer = await client.post(ROUTE, json=CHAT)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert not plane.messages("start")


async def test_a_server_that_cannot_serve_is_a_reason_to_start_another(plane, client, replica_server, there):
    bad = await replica_server(BUSY)
    plane.places(here=[bad], there={})
    asking = asyncio.create_task(served_by(client))
    assert (await plane.until("start"))["cluster"] == "there"
    plane.places(here=[bad], there=[there])
    assert await asking == "there"
    assert len(bad.asked) == 1


async def test_a_server_that_goes_after_its_head_has_said_nothing_yet(plane, client, replica_server, there):
    async def dies(asked, writer):
        await begin_events(writer)
        writer.transport.abort()

    plane.places(here=[await replica_server(dies)], there=[there])
    assert await served_by(client) == "there"


async def test_who_fails_again_and_again_is_not_asked_any_more(plane, client, replica_server, there):
    bad = await replica_server(BUSY)
    plane.places(here=[bad], there=[there])
    for number in range(10):
        body = {**CHAT, "messages": [{"role": "user", "content": str(number)}]}
        assert await served_by(client, body) == "there"
    assert len(bad.asked) == tuning.REPLICA_FAILURES


async def test_what_a_server_is_asked_badly_is_no_failure_of_it(plane, client, replica_server):
    strict = await replica_server(refuses(b"400 Bad Request"))
    plane.places(here=[strict])
    for _ in range(5):
        await client.post(ROUTE, json=CHAT)
    assert len(strict.asked) == 5


# cold models


async def test_a_cold_model_is_started_where_it_will_be_soonest_and_served_where_it_is_first(
    plane, client, there
):
    plane.places(here={"eta": 5.0}, there={"eta": 60.0})
    asking = asyncio.create_task(served_by(client))
    assert (await plane.until("start"))["cluster"] == "here"
    plane.places(here={"state": State.STARTING}, there=[there])
    assert await asking == "there"


async def test_a_start_that_fails_is_followed_by_one_elsewhere(plane, client, there):
    plane.places(here={"eta": 5.0}, there={"eta": 60.0})
    asking = asyncio.create_task(served_by(client))
    await plane.until("start")
    plane.places(here={"state": State.OFFLINE, "ended": 4e9, "reason": "out of memory"}, there={"eta": 60.0})
    assert (await plane.until("start", 2))["cluster"] == "there"
    plane.places(here={"state": State.OFFLINE, "ended": 4e9}, there=[there])
    assert await asking == "there"


async def test_starts_that_fail_everywhere_end_the_wait(plane, client):
    plane.places(here={"eta": 5.0}, there={"eta": 60.0})
    asking = asyncio.create_task(client.post(ROUTE, json=CHAT))
    await plane.until("start")
    failed = {"state": State.OFFLINE, "ended": 4e9, "reason": "out of memory"}
    plane.places(here=failed, there={})
    await plane.until("start", 2)
    plane.places(here=failed, there=failed)
    answer = await asking
    assert "there did not become ready: out of memory" in answer.json()["error"]["message"]
    assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(("eta", "starts"), [(50.0, 1), (5000.0, 2)])
async def test_a_long_queue_is_a_reason_to_start_elsewhere_too(plane, client, eta, starts):
    plane.places(here={"eta": 20.0}, there={"eta": 30.0})
    asking = asyncio.create_task(served_by(client))
    await plane.until("start")
    plane.places(here={"state": State.QUEUED, "eta": eta}, there={"eta": 30.0})
    await plane.until("start", starts)
    assert [message["cluster"] for message in plane.messages("start")] == ["here", "there"][:starts]
    asking.cancel()


async def test_a_stream_that_waits_while_nobody_can_be_reached_is_told_why(
    plane, client, replica_server, monkeypatch
):
    monkeypatch.setattr(exchange, "KEEP_ALIVE", 0.1)
    monkeypatch.setattr(exchange, "RECONSIDER", 0.1)

    async def answer(asked, writer):
        await begin_events(writer)
        await event(writer)
        await end_events(writer)

    back = await replica_server(answer)
    gone = type("Gone", (), {"port": 1})
    plane.catalog(gone)
    async with client.stream("POST", ROUTE, json={**CHAT, "stream": True}) as stream:
        lines = (line async for line in stream.aiter_lines() if line)
        assert "No cluster can serve this request" in await anext(lines)
        plane.catalog(back)
        assert "data: {}" in [line async for line in lines]
    await until(lambda: plane.messages("unreachable"))
