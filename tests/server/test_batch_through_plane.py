"""Rows are asked of the data plane; those that fail are tried again or set aside, and hold up nobody."""

import asyncio
import json
from collections import Counter

import pytest
from first_jupyter_server.batch import through_plane
from first_jupyter_server.batch.lines import Row
from first_jupyter_server.batch.through_plane import TRIES, ThroughPlane, Way
from first_jupyter_server.dataplane.pool import Pool

from .conftest import json_answer, until


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(through_plane, "PAUSES", (0.02, 0.05))


class FakePlane:
    """Says of each row what the test wants."""

    def __init__(self):
        self.tries = Counter()
        self.headers = None
        self.at_once = self.most_at_once = 0
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.say = lambda row, tries: (200, {"ok": row})

    async def answer(self, asked, writer):
        row = json.loads(asked.body)["row"]
        self.tries[row] += 1
        self.headers = asked.headers
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        status, body = self.say(row, self.tries[row])
        await asyncio.sleep(0.001)
        await self.go_on.wait()
        self.at_once -= 1
        if status is None:
            writer.close()
            return
        await json_answer(json.dumps(body).encode(), b"%d Said" % status)(asked, writer)


@pytest.fixture
async def fake(replica_server):
    fake = FakePlane()
    fake.port = (await replica_server(fake.answer)).port
    return fake


@pytest.fixture
def executor(fake):
    pool = Pool("127.0.0.1", fake.port)
    yield ThroughPlane("batch_1", "/v1/chat/completions", Way(pool, ((b"x-first-batch", b"batch_1"),)))
    pool.close()


async def run(executor, count):
    rows = iter(range(1, count + 1))
    results = {}

    async def take():
        number = next(rows, None)
        return None if number is None else Row(number, f"r{number}", json.dumps({"row": number}).encode())

    async def give(result):
        assert result.number not in results
        results[result.number] = result

    async with asyncio.timeout(20):
        await executor.run(take, give)
    return results


def fail(status, code=None):
    return status, {"error": {"message": f"said {status}", "code": code}}


async def test_all_rows_are_answered(fake, executor):
    results = await run(executor, 100)
    assert sorted(results) == list(range(1, 101))
    assert all(result.ok for result in results.values())
    assert (fake.headers["x-first-batch"], executor.running) == ("batch_1", 0)


async def test_a_row_that_fails_for_once_is_answered_the_next_time(fake, executor):
    fake.say = lambda row, tries: fail(500) if row == 3 and tries < TRIES else (200, {"ok": row})
    assert (await run(executor, 10))[3].ok


async def test_a_row_that_fails_on_and_on_is_set_aside_and_stops_nobody(fake, executor):
    fake.say = lambda row, tries: fail(500) if row == 3 else (200, {"ok": row})
    results = await run(executor, 100)
    assert [number for number, result in results.items() if not result.ok] == [3]
    assert fake.tries[3] == TRIES
    assert b"said 500" in results[3].line


async def test_a_row_that_is_wrong_is_not_tried_again(fake, executor):
    fake.say = lambda row, tries: fail(400) if row == 3 else (200, {"ok": row})
    assert not (await run(executor, 10))[3].ok
    assert fake.tries[3] == 1


async def test_a_row_that_breaks_replicas_takes_no_other_with_it(fake, executor):
    """The poison of two rows breaks whatever is being answered beside them."""

    def say(row, tries):
        poisoned = row in {3, 20} or (fake.at_once > 1 and tries == 1 and row < 30)
        return fail(502, "replica_lost") if poisoned else (200, {"ok": row})

    fake.say = say
    results = await run(executor, 60)
    assert {number for number, result in results.items() if not result.ok} == {3, 20}


async def test_while_nobody_can_answer_no_row_is_given_up(fake, executor):
    fake.say = lambda row, tries: (
        fail(503, "model_not_ready") if sum(fake.tries.values()) < 200 else (200, {})
    )
    running = asyncio.create_task(run(executor, 40))
    await until(lambda: executor.reason == "said 503")
    assert all(result.ok for result in (await running).values())
    assert executor.reason is None


async def test_a_row_that_nobody_takes_though_others_are_answered_is_set_aside(fake, executor):
    fake.say = lambda row, tries: fail(503) if row == 3 else (200, {"ok": row})
    results = await run(executor, 2_000)
    assert [number for number, result in results.items() if not result.ok] == [3]


async def test_a_connection_that_breaks_costs_nothing_but_time(fake, executor):
    fake.say = lambda row, tries: (None, None) if tries == 1 and row % 7 == 0 else (200, {"ok": row})
    assert all(result.ok for result in (await run(executor, 100)).values())


async def test_who_is_cancelled_hangs_up(fake, executor):
    fake.go_on.clear()
    running = asyncio.create_task(run(executor, 10))
    await until(lambda: executor.running)
    running.cancel()
    await asyncio.wait([running])
    assert executor.running == 0
