"""Rows of batches go behind the requests of people, and keep each replica just busy."""

import asyncio
import json

import pytest
from first_jupyter_server.federation import tuning

from .conftest import BATCH_KEY, CHAT, KEY, MODEL, as_replica, json_answer, until

ROUTE = "/v1/chat/completions"
SLOTS = 4
ROWS = SLOTS + int(SLOTS * tuning.ROWS_SHARE)
"""Rows that a replica with that many slots gets at once where nobody else asks it."""


class Slow:
    """A replica that answers one request each time it is told to."""

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
    plane.catalog(as_replica(await replica_server(replica.answer), slots=SLOTS))
    return replica


@pytest.fixture
def ask(client):
    """Asks as a person or, with a batch's id, as the process of batches does."""

    def start(name, batch=None, key=BATCH_KEY, **headers):
        headers = {"authorization": f"Bearer {KEY}", **headers}
        if batch:
            headers |= {"x-first-batch": batch, "x-first-batch-key": key}
        return asyncio.create_task(client.post(ROUTE, json={**CHAT, "user": name}, headers=headers))

    return start


async def rows_in_line(plane, number):
    await until(lambda: plane.plane.rows_waiting(MODEL) == number)


async def test_a_replica_gets_a_few_rows_more_than_it_has_slots(plane, slow, ask):
    asking = [ask(f"row{number}", "batch_1") for number in range(ROWS + 3)]
    await until(lambda: len(slow.served) == ROWS)
    await rows_in_line(plane, 3)
    slow.let(ROWS + 3)
    answers = await asyncio.gather(*asking)
    assert {answer.status_code for answer in answers} == {200}
    assert {int(answer.headers["x-first-line"]) for answer in answers} <= {0, 1, 2, 3}


async def test_where_people_ask_too_some_slots_stay_free_for_them(plane, slow, ask):
    person = ask("person")
    await until(lambda: slow.served == ["person"])
    asking = [ask(f"row{number}", "batch_1") for number in range(ROWS)]
    await rows_in_line(plane, ROWS - (SLOTS - 1 - 1))
    await until(lambda: len(slow.served) == SLOTS - 1)
    other = ask("other")
    await until(lambda: "other" in slow.served)
    for task in asking:
        task.cancel()
    await rows_in_line(plane, 0)
    slow.let(ROWS)
    assert {answer.status_code for answer in await asyncio.gather(person, other)} == {200}


async def test_people_are_served_first_when_a_slot_comes_free(plane, slow, ask):
    people = [ask(f"person{number}") for number in range(int(SLOTS * tuning.OVERCOMMIT))]
    await until(lambda: len(slow.served) == len(people))
    row = ask("row", "batch_1")
    await rows_in_line(plane, 1)
    late = ask("late")
    await until(lambda: plane.plane.counts() == {(MODEL, "desk"): (len(people), 1)})
    slow.let(1)
    await until(lambda: slow.served[-1] == "late")
    slow.let(len(people) + 1)
    assert {answer.status_code for answer in await asyncio.gather(row, late, *people)} == {200}
    assert slow.served[-1] == "row"


async def test_rows_in_line_turn_nobody_away(plane, slow, ask):
    rows = [ask(f"row{number}", "batch_1") for number in range(2 * ROWS)]
    await rows_in_line(plane, ROWS)
    person = ask("person", **{"x-first-wait": "0"})
    await until(lambda: "person" in slow.served)
    slow.let(2 * ROWS + 1)
    assert (await person).status_code == 200
    await asyncio.gather(*rows)


async def test_batches_take_turns(plane, slow, ask):
    first = [ask(f"a{number}", "batch_a") for number in range(ROWS + 3)]
    await rows_in_line(plane, 3)
    second = [ask(f"b{number}", "batch_b") for number in range(3)]
    await rows_in_line(plane, 6)
    slow.let(ROWS + 6)
    await asyncio.gather(*first, *second)
    assert [name[0] for name in slow.served[ROWS:]] == ["a", "b", "a", "b", "a", "b"]


async def test_who_does_not_hold_the_key_of_batches_is_served_like_anybody(plane, slow, ask):
    asking = [ask(f"row{number}", "batch_1", key="a guess") for number in range(ROWS + 1)]
    await until(lambda: len(slow.served) == ROWS + 1)
    slow.let(ROWS + 1)
    assert "x-first-line" not in (await asyncio.gather(*asking))[0].headers


async def test_a_replica_that_is_cold_is_started_for_a_row(plane, ask, replica_server):
    plane.catalog()
    row = ask("row", "batch_1")
    assert (await plane.until("start"))["model"] == MODEL
    plane.catalog(as_replica(await replica_server(json_answer()), slots=1))
    assert (await row).status_code == 200


async def test_rows_are_told_apart_in_what_scaling_goes_by(plane, slow, ask):
    person = ask("person")
    await until(lambda: len(slow.served) == 1)
    row = ask("row", "batch_1")
    await until(lambda: plane.messages("load") and plane.messages("load")[-1]["rows"])
    told = plane.messages("load")[-1]
    assert (told["counts"], told["rows"]) == ([[MODEL, "desk", 2, 0]], [[MODEL, "desk", 1]])
    slow.let(2)
    await asyncio.gather(person, row)
