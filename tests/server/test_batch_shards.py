"""Rows of a batch in shards, from the batch to a real server and back; the tasks run here in threads."""

import asyncio
import json

import pytest
from first_jupyter_remote.protocol import ReplicaRecord, Stage
from first_jupyter_remote.records import write
from first_jupyter_server.batch.both_ways import BothWays
from first_jupyter_server.batch.executors import Executors
from first_jupyter_server.batch.lines import Row
from first_jupyter_server.batch.relayed import goes_elsewhere, relayed
from first_jupyter_server.batch.rows import Result
from first_jupyter_server.batch.shards import Shards
from first_jupyter_server.dataplane.pool import Pool
from first_jupyter_server.federation.catalog import Catalog, Model, Place, Replica, State
from first_jupyter_server.federation.wishes import Wishes
from first_jupyter_server.paths import relay_socket
from first_jupyter_server.paths.relay import Relay
from first_jupyter_server.paths.relay_answer import Relayed

from .conftest import json_answer, until
from .nearby_endpoint import Nearby

ENDPOINT = "/v1/chat/completions"


def place(cluster, *replicas, **more):
    return Place(cluster, "globus-compute", "vllm", State.HOT, replicas=replicas, **more)


def catalog(*places):
    return Catalog(models=(Model("org/model", places=places),), current="org/model")


FAR = Replica("r-1", "n1", 1, path="relay", slots=8)
NEAR = Replica("r-2", "n2", 2, path="direct")


class World:
    """A replica by relay, and a plane that answers all it is given."""

    def __init__(self, home):
        self.home, self.near, self.relay = home, Nearby(), Relay()
        self.catalog = catalog(place("far", FAR))
        self.by_plane, self.results = [], {}
        self.executor = self.made()

    async def have(self, port):
        where = {"addresses": ("127.0.0.1",), "port": port, "key": "sk-far", "node": "n1"}
        write(self.home / "replicas" / "r-1.json", ReplicaRecord("r-1", "org/model", Stage.READY, **where))
        await self.relay.expect("r-1", Relayed(self.near, str(self.home), "127.0.0.1"))

    def way(self, replica):
        return Pool("", 0, way=lambda make: relay_socket.dial(self.relay.path, replica.id, make))

    def made(self):
        def now():
            return relayed(self.catalog, "org/model", Wishes())

        def elsewhere(row, cluster):
            return goes_elsewhere(self.catalog, row.body, cluster)

        shards = Shards("batch_1", ENDPOINT, self.way, lambda: now().there, elsewhere)
        return BothWays(self, shards, lambda: now().alone)

    # as a plane

    running, reason = 0, None

    async def run(self, take, give):
        while (row := await take()) is not None:
            self.by_plane.append(row.number)
            await asyncio.sleep(0.002)
            await give(Result(row.number, True, 0, 0, "near", b"{}"))

    async def answer(self, count, body=lambda number: {}):
        numbers = iter(range(1, count + 1))

        async def take():
            if (number := next(numbers, None)) is None:
                return None
            return Row(number, f"row-{number}", json.dumps({"row": number, **body(number)}).encode())

        async def give(result):
            assert result.number not in self.results
            self.results[result.number] = result

        async with asyncio.timeout(60):
            await self.executor.run(take, give)
        return [self.results[number] for number in range(1, count + 1)]


@pytest.fixture
async def world(tmp_path):
    made = World(tmp_path)
    yield made
    await made.relay.close()
    made.near.close()


def echo(spoil=lambda row, writer: False):
    """Answer with the row's number, unless ``spoil`` does something else."""

    async def answer(asked, writer):
        row = json.loads(asked.body)
        if spoil(row["row"], writer):
            return
        usage = {"prompt_tokens": 3, "completion_tokens": 2}
        body = json.dumps({"row": row["row"], "model": row["model"], "usage": usage}).encode()
        await json_answer(body)(asked, writer)

    return answer


async def test_a_thousand_rows_cost_a_handful_of_submissions(world, replica_server):
    replica = await replica_server(echo())
    await world.have(replica.port)
    results = await world.answer(1000)
    said = [json.loads(result.line)["response"]["body"] for result in results]
    assert [body["row"] for body in said] == list(range(1, 1001))
    assert {body["model"] for body in said} == {"org/model"}
    assert {(each.ok, each.prompt, each.completion, each.cluster) for each in results} == {
        (True, 3, 2, "far")
    }
    assert world.by_plane == []
    assert len(world.near.made("relay")) <= 3
    assert len(world.near.submissions) <= 4
    assert replica.asked[0].headers["authorization"] == "Bearer sk-far"


async def test_a_row_that_breaks_its_connection_comes_another_way_and_no_other_is_lost(world, replica_server):
    def spoil(row, writer):
        if row == 17:
            writer.close()
        return row == 17

    await world.have((await replica_server(echo(spoil))).port)
    results = await world.answer(100)
    assert all(result.ok for result in results)
    assert world.by_plane == [17]


async def test_rows_that_are_pinned_to_another_cluster_are_not_asked_here(world, replica_server):
    world.catalog = catalog(place("far", FAR), place("near", NEAR))
    replica = await replica_server(echo())
    await world.have(replica.port)
    await world.answer(20, lambda number: {"model": "org/model@near" if number % 2 else "org/model@far"})
    asked = {json.loads(each.body)["row"] for each in replica.asked}
    assert asked.isdisjoint(range(1, 21, 2))


async def test_other_replicas_take_rows_at_the_same_time(world, replica_server):
    world.catalog = catalog(place("far", FAR), place("near", NEAR))
    await world.have((await replica_server(echo())).port)
    results = await world.answer(400)
    assert {result.cluster for result in results} == {"far", "near"}


async def test_without_such_a_replica_all_goes_by_the_data_plane(world):
    world.catalog = catalog(place("near", NEAR))
    assert {result.cluster for result in await world.answer(50)} == {"near"}


async def test_rows_of_a_replica_that_is_gone_are_answered_elsewhere(world):
    await world.relay.expect("r-2", Relayed(world.near, str(world.home), "127.0.0.1"))
    answering = asyncio.create_task(world.answer(10))
    await until(lambda: world.executor.reason)
    assert world.executor.reason == "r-1 has ended"
    world.catalog = catalog(place("far"), place("near", NEAR))
    assert {result.cluster for result in await answering} == {"near"}
    assert world.executor.running == 0


@pytest.mark.parametrize(
    ("places", "there", "alone"),
    [
        ([], [], False),
        ([place("far", FAR)], ["r-1"], True),
        ([place("near", NEAR)], [], False),
        ([place("far", FAR), place("near", NEAR)], ["r-1"], False),
        ([place("far", FAR), place("off")], ["r-1"], True),
        ([place("far", FAR, barred=True)], [], False),
        ([place("avoided", FAR)], [], False),
    ],
)
def test_which_replicas_are_reached_by_globus_compute_alone(places, there, alone):
    found = relayed(catalog(*places), "org/model", Wishes(avoid=frozenset({"avoided"})))
    assert list(found.there) == there
    assert found.alone is alone


def test_data_that_stays_at_a_cluster_goes_to_no_other(world):
    found = relayed(catalog(place("far", FAR)), "org/model", Wishes(stay=frozenset({"near"})))
    assert found.there == {}


def test_a_batch_s_own_wishes_are_those_of_its_rows():
    made = Executors(
        {"relay": "", "port": 1, "key": "k", "batch_key": "b"}, lambda: catalog(place("far", FAR))
    )
    batch = {"id": "batch_1", "endpoint": ENDPOINT, "model": "org/model", "first": {}}
    assert made.of(batch)._relayed_alone()
    assert not made.of({**batch, "first": {"avoid": "other, far"}})._relayed_alone()
    assert not made.of({**batch, "first": {"stay": "near"}})._relayed_alone()
