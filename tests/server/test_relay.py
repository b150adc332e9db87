"""An answer by Globus Compute alone, from a client to a replica; the tasks run here, a little later."""

import asyncio
import itertools
import math
import time

import orjson
import pytest
from first_jupyter_remote import functions
from first_jupyter_remote.protocol import ReplicaRecord, Stage
from first_jupyter_remote.protocol.parts import lasts
from first_jupyter_remote.records import write
from first_jupyter_server.clusters.globus_faults import ComputeFault
from first_jupyter_server.federation.catalog import Replica
from first_jupyter_server.paths import relay as relaying
from first_jupyter_server.paths.allowance import Allowance
from first_jupyter_server.paths.relay import Relay
from first_jupyter_server.paths.relay_answer import AT_FIRST, LEFT, THEN, Allowances, Relayed

from .conftest import CHAT, begin_events, end_events, event, json_answer, until
from .nearby_endpoint import Nearby

STREAM = {**CHAT, "stream": True}
KEY = "sk-known-on-the-cluster"


class World:
    """A cluster with one replica, which is reached by relay."""

    def __init__(self, plane, home):
        self.home, self.near, self.relay = home, Nearby(), Relay()
        plane.plane.receive(
            {"type": "config", "key": "the-scoped-key", "max_body": 2**25, "relay": self.path}
        )

    @property
    def path(self):
        return self.relay.path

    def record(self, port, **more):
        where = {"addresses": ("127.0.0.1",), "port": port, "key": KEY, "node": "n1", **more}
        write(self.home / "replicas" / "r-1.json", ReplicaRecord("r-1", "org/model", Stage.READY, **where))

    async def have(self, plane, replica):
        """Have a replica that, as inference servers do, closes its connection when it is asked to."""
        answer = replica.answer

        async def answer_once(asked, writer):
            await answer(asked, writer)
            writer.close()

        replica.answer = answer_once
        self.record(replica.port)
        await self.relay.expect("r-1", Relayed(self.near, str(self.home), "127.0.0.1"))
        plane.catalog(Replica("r-1", "n1", replica.port, path="relay"))


@pytest.fixture
async def world(plane, tmp_path):
    made = World(plane, tmp_path)
    yield made
    await made.relay.close()
    made.near.close()


def tokens(count, every=0.05):
    async def answer(asked, writer):
        await begin_events(writer)
        for number in range(count):
            await event(writer, b'{"choices": [{"delta": {"content": "%d"}}]}' % number)
            await asyncio.sleep(every)
        await end_events(writer)

    return answer


async def read(client, stop_after=None, **more):
    """Read a stream; return the moments of its pieces, and its events."""
    moments, text = [], ""
    async with client.stream("POST", "v1/chat/completions", json={**STREAM, **more}) as response:
        assert response.status_code == 200
        assert response.headers["x-first-route"] == "relay"
        async for piece in response.aiter_text():
            moments.append(time.monotonic())
            text += piece
            if stop_after is not None and len(moments) >= stop_after:
                break
    return moments, [line.removeprefix("data: ") for line in text.split("\n\n") if line]


@pytest.mark.parametrize(("seconds", "submissions"), [(0, 1), (7, 1), (8, 2), (30, 2), (60, 3), (300, 11)])
def test_few_submissions_carry_long_answers(seconds, submissions):
    needed = next(number for number in itertools.count(1) if sum(map(lasts, range(number))) >= seconds)
    assert 1 + max(0, math.ceil((needed + LEFT - AT_FIRST) / THEN)) == submissions


async def test_an_answer_streams_and_costs_one_submission(plane, client, world, replica_server):
    await world.have(plane, await replica_server(tokens(30)))
    moments, events = await read(client)
    assert len(events) == 31
    assert events[-1] == "[DONE]"
    assert len(moments) >= 3
    assert [(role, len(calls)) for role, calls in world.near.submissions] == [("relay", 1 + AT_FIRST)]


async def test_the_replica_s_key_comes_from_its_record_and_is_in_no_task(
    plane, client, world, replica_server
):
    replica = await replica_server(json_answer())
    await world.have(plane, replica)
    plane.catalog(Replica("r-1", "n1", replica.port, key="sk-in-the-catalog", path="relay"))
    assert (await client.post("v1/chat/completions", json=CHAT)).json() == {"ok": True}
    assert replica.asked[0].headers["authorization"] == f"Bearer {KEY}"
    ((_, _, _, _, (head, _)),) = world.near.made("relay")
    assert functions.relay.__globals__["unpack"](head, 2**20).lower().count(b"authorization") == 0


async def test_what_comes_back_is_what_was_sent(plane, client, world, replica_server):
    body = orjson.dumps({"data": ["x" * 1000 + str(number) for number in range(5000)]})
    await world.have(plane, await replica_server(json_answer(body)))
    assert (await client.post("v1/chat/completions", json=CHAT)).content == body


async def test_a_replica_s_refusal_is_the_client_s(plane, client, world, replica_server):
    refused = b'{"error": {"message": "too long", "type": "invalid_request_error", "param": null, "code": 1}}'
    await world.have(plane, await replica_server(json_answer(refused, b"400 Bad Request")))
    answer = await client.post("v1/chat/completions", json=CHAT)
    assert (answer.status_code, answer.content) == (400, refused)


async def test_more_parts_are_asked_for_before_they_run_out(
    plane, client, world, replica_server, monkeypatch
):
    monkeypatch.setattr("first_jupyter_remote.protocol.parts._STEPS", ((1000, 0.05),))
    await world.have(plane, await replica_server(tokens(40)))
    _, events = await read(client)
    assert len(events) == 41
    asked = [number for _, _, number in world.near.made("relay_part")]
    assert asked == list(range(len(asked)))
    assert len(world.near.submissions) > 1


async def test_a_client_that_leaves_frees_the_node_within_a_second(plane, client, world, replica_server):
    replica = await replica_server(tokens(1000))
    await world.have(plane, replica)
    await read(client, stop_after=1)
    async with asyncio.timeout(1.5):
        await replica.hung_up.wait()
    assert [(role, calls[0][0]) for role, calls in world.near.submissions[1:]] == [("control", "relay_end")]


async def test_a_client_that_reads_to_the_end_gives_nothing_up(plane, client, world, replica_server):
    await world.have(plane, await replica_server(tokens(3)))
    for _ in range(3):
        await read(client)
    assert world.near.made("relay_end") == []


def missing(said):
    return (
        said if not isinstance(said, dict) or said["number"] < 2 else {**said, "number": said["number"] + 1}
    )


def changed(said):
    return said if not isinstance(said, dict) or not said["last"] else {**said, "digest": "0" * 64}


def lost(said):
    if isinstance(said, dict) and said["number"] == 2:
        raise ComputeFault("its task was lost")
    return said


@pytest.mark.parametrize("spoil", [missing, changed, lost])
async def test_a_part_that_is_missing_or_wrong_ends_the_answer_with_an_error(
    plane, client, world, replica_server, spoil
):
    world.near.spoil = spoil
    await world.have(plane, await replica_server(tokens(30)))
    # Which no other replica could go on with.
    _, events = await read(client, logprobs=True)
    assert "[DONE]" not in events
    assert "The answer is incomplete" in orjson.loads(events[-1])["error"]["message"]


async def test_a_server_that_dies_in_the_middle_ends_the_answer_with_an_error(
    plane, client, world, replica_server
):
    async def dies(asked, writer):
        await begin_events(writer)
        for _ in range(10):
            await event(writer)
            await asyncio.sleep(0.1)
        writer.transport.abort()

    await world.have(plane, await replica_server(dies))
    _, events = await read(client, logprobs=True)
    assert "The answer is incomplete" in orjson.loads(events[-1])["error"]["message"]


async def test_an_answer_that_its_connection_ends_is_passed_on_once_it_is_whole(
    plane, client, world, replica_server
):
    async def unframed(asked, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{")
        await asyncio.sleep(0.7)
        writer.write(b"}")
        writer.close()

    await world.have(plane, await replica_server(unframed))
    assert (await client.post("v1/chat/completions", json=CHAT)).json() == {}


async def test_one_that_is_not_whole_is_none(plane, client, world, replica_server):
    async def broken(asked, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{}")
        await asyncio.sleep(0.7)
        writer.transport.abort()

    world.near.spoil = changed
    await world.have(plane, await replica_server(broken))
    answer = await client.post("v1/chat/completions", json=CHAT, headers={"x-first-wait": "0"})
    assert answer.status_code >= 500


async def test_a_request_beyond_the_allowance_is_told_when_to_come_back(plane, client, world, replica_server):
    world.relay._allowances = Allowances(Allowance(1, 60.0, longest=5.0), Allowance(9, 1.0, longest=9.0))
    await world.have(plane, await replica_server(json_answer()))
    assert (await client.post("v1/chat/completions", json=CHAT)).status_code == 200
    answer = await client.post("v1/chat/completions", json=CHAT)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "relay_busy")
    assert 50 < int(answer.headers["retry-after"]) <= 60
    assert "Try again then" in answer.json()["error"]["message"]


async def test_a_request_waits_for_its_turn(plane, client, world, replica_server):
    world.relay._allowances = Allowances(Allowance(1, 0.6, longest=5.0), Allowance(9, 1.0, longest=9.0))
    await world.have(plane, await replica_server(json_answer()))
    began = time.monotonic()
    for _ in range(2):
        assert (await client.post("v1/chat/completions", json=CHAT)).status_code == 200
    assert time.monotonic() - began > 0.6


async def test_a_request_that_no_submission_takes_says_so(plane, client, world, replica_server, monkeypatch):
    monkeypatch.setattr("first_jupyter_server.paths.relay_answer.LARGEST_REQUEST", 100)
    await world.have(plane, await replica_server(json_answer()))
    answer = await client.post("v1/chat/completions", json=CHAT)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")


async def test_what_globus_compute_refuses_is_told_and_not_asked_again(plane, client, world, replica_server):
    world.near.fault = RuntimeError("no")
    await world.have(plane, await replica_server(json_answer()))
    answer = await client.post("v1/chat/completions", json=CHAT, headers={"x-first-wait": "0"})
    assert answer.status_code == 503
    assert "Globus Compute: RuntimeError: no" in answer.json()["error"]["message"]
    assert len(world.near.submissions) == 1
    assert plane.messages("unreachable")[0]["reason"] == "it answered with status 503"


async def test_a_replica_that_moved_is_asked_where_it_is_now(plane, client, world, replica_server):
    await world.have(plane, await replica_server(json_answer(b'{"at": 1}')))
    world.record((await replica_server(json_answer(b'{"at": 2}'))).port)
    assert (await client.post("v1/chat/completions", json=CHAT)).json() == {"at": 2}


async def test_silence_is_no_reason_to_ask_for_a_sign_of_life(
    plane, client, world, replica_server, monkeypatch
):
    monkeypatch.setattr("first_jupyter_server.dataplane.liveness.SILENT", 0.1)
    monkeypatch.setattr("first_jupyter_server.dataplane.liveness.LOOK_EVERY", 0.1)

    async def slow(asked, writer):
        await asyncio.sleep(1.0)
        await json_answer()(asked, writer)

    replica = await replica_server(slow)
    await world.have(plane, replica)
    assert (await client.post("v1/chat/completions", json=CHAT)).status_code == 200
    assert (len(replica.asked), len(world.near.submissions)) == (1, 1)


async def test_the_socket_is_for_this_user_alone_and_goes_with_the_server(
    plane, world, replica_server, tmp_path
):
    await world.have(plane, await replica_server(json_answer()))
    folder = relaying.Path(world.path).parent
    assert folder.stat().st_mode & 0o777 == 0o700
    await world.relay.close()
    assert not folder.exists()


async def test_nothing_listens_where_no_replica_is_relayed(plane, world):
    assert not relaying.Path(world.path).exists()


async def test_a_replica_that_has_ended_is_asked_no_more(plane, client, world, replica_server):
    await world.have(plane, await replica_server(json_answer()))
    world.relay.forget("r-1")
    answer = await client.post("v1/chat/completions", json=CHAT, headers={"x-first-wait": "0"})
    assert answer.status_code == 503
    await until(lambda: plane.messages("unreachable"))
    assert world.near.submissions == []
