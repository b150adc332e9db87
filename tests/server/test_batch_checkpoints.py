"""Results are written down many at a time, and none is left behind."""

import asyncio

import pytest
from first_jupyter_server.batch import checkpoints as module
from first_jupyter_server.batch.checkpoints import TOGETHER, Checkpoints
from first_jupyter_server.batch.rows import Result, Rows, Tally


@pytest.fixture
def rows(tmp_path):
    rows = Rows(tmp_path / "rows.sqlite3")
    yield rows
    rows.close()


def result(number):
    return Result(number, True, 1, 1, "lab", b"{}")


async def test_what_comes_while_others_are_written_is_written_too(rows):
    checkpoints = Checkpoints(rows, Tally(), lambda results: None)
    keeping = asyncio.create_task(checkpoints.keep())
    for number in range(TOGETHER):
        await checkpoints.give(result(number))
    for _ in range(5):
        await asyncio.sleep(0)
    for number in range(TOGETHER, TOGETHER + 5):
        await checkpoints.give(result(number))
    checkpoints.end()
    await keeping
    assert checkpoints.tally.completed == rows.done()[1].completed == TOGETHER + 5


async def test_who_brings_more_than_can_be_written_waits(rows, monkeypatch):
    monkeypatch.setattr(module, "MOST", 10)
    checkpoints = Checkpoints(rows, Tally(), lambda results: None)
    giving = asyncio.create_task(_give(checkpoints, 11))
    await asyncio.sleep(0.05)
    assert not giving.done()
    await checkpoints.flush()
    async with asyncio.timeout(5):
        await giving


async def _give(checkpoints, count):
    for number in range(count):
        await checkpoints.give(result(number))
