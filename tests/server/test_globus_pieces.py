"""The small parts of the kind globus-compute, each by itself."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys

import pytest
from first_jupyter_remote.protocol import ReplicaRecord, Stage
from first_jupyter_server.clusters.asked import Asked, Order, owner
from first_jupyter_server.clusters.globus_bundle import FUNCTION, bundle
from first_jupyter_server.clusters.globus_lock import Lock
from first_jupyter_server.clusters.globus_watch import patience, pause
from first_jupyter_server.clusters.reach import reach

CALL = """
import json, sys
names = {}
exec(open(sys.argv[1]).read(), names)
print(json.dumps(names[sys.argv[2]](json.loads(sys.argv[3]))))
"""


def call(source, cache, **what):
    """Call the function as a worker does, in a process that has nothing but the standard library."""
    file = cache / "source.py"
    file.write_text(source)
    command = [sys.executable, "-I", "-S", "-c", CALL, str(file), FUNCTION, json.dumps(what)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={"FIRST_CACHE": str(cache), "HOME": str(cache)},
    )
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


def test_the_function_carries_all_that_it_needs(tmp_path):
    assert call(bundle().source, tmp_path, function="find", args=[str(tmp_path)]) == []


def test_the_bundle_is_unpacked_once_and_for_its_owner_alone(tmp_path):
    for _ in range(2):
        call(bundle().source, tmp_path, function="find", args=[str(tmp_path)])
    (unpacked,) = (tmp_path / "remote").iterdir()
    assert unpacked.name == bundle().digest
    assert unpacked.stat().st_mode & 0o077 == 0


def test_the_function_refuses_what_is_none_of_ours(tmp_path):
    assert "has no function 'system'" in call(bundle().source, tmp_path, function="system", args=["true"])


def test_the_same_release_makes_the_same_bundle():
    first = bundle()
    bundle.cache_clear()
    assert bundle() == first
    assert len(first.source) < 200_000


def test_a_lock_remembers_functions_by_what_they_carry(tmp_path):
    path = tmp_path / "first.lock.json"
    Lock(path).put("digest", "id", "1.0")
    assert Lock(path).get("digest") == "id"
    assert Lock(path).get("another") is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"functions": {}}'])
def test_a_broken_lock_remembers_nothing(tmp_path, text):
    path = tmp_path / "first.lock.json"
    path.write_text(text)
    assert Lock(path).get("digest") is None


def test_orders_outlive_the_server(tmp_path):
    path = tmp_path / "lab" / "asked.json"
    asked = Asked(path)
    asked.add(Order("r-1", "m"))
    asked.add(Order("r-1", "m", "task"))
    asked.add(Order("r-2", "m"))
    asked.add(Order("r-3", "m", "task", follows="r-1", ready=5.0))
    asked.remove("r-2")
    assert Asked(path).orders == {
        "r-1": Order("r-1", "m", "task"),
        "r-3": Order("r-3", "m", "task", follows="r-1", ready=5.0),
    }


def test_an_owner_keeps_its_name(tmp_path):
    assert owner(tmp_path / "owner") == owner(tmp_path / "owner")
    assert owner(tmp_path / "owner") != owner(tmp_path / "another")


def test_looks_are_patient_unless_they_fail_and_rare_when_they_do():
    assert patience(failed=0) > patience(failed=1)
    assert [pause(failed) for failed in range(7)] == [2, 5, 15, 30, 60, 60, 60]


@pytest.fixture
async def replica():
    """Serve like a replica of ``lab/model`` with the key ``right``."""

    async def answer(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        status = "200 OK" if b"Bearer right\r\n" in head else "401 No"
        writer.write(f'HTTP/1.1 {status}\r\n\r\n{{"data": [{{"id": "lab/model"}}]}}'.encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("addresses", "key", "model", "found"),
    [
        (("127.0.0.1",), "right", "lab/model", "127.0.0.1"),
        (("no.such.host.invalid", "localhost"), "right", "lab/model", "localhost"),
        (("127.0.0.1",), "wrong", "lab/model", None),
        (("127.0.0.1",), "right", "lab/other", None),
        (("no.such.host.invalid",), "right", "lab/model", None),
        ((), "right", "lab/model", None),
    ],
)
async def test_the_way_to_a_replica_is_the_one_on_which_it_answers(replica, addresses, key, model, found):
    record = ReplicaRecord("r", model, Stage.READY, port=replica, key=key, addresses=addresses)
    assert await reach(record) == found


async def test_a_closed_port_is_no_way():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    assert (
        await reach(ReplicaRecord("r", "m", Stage.READY, port=port, key="k", addresses=("127.0.0.1",)))
        is None
    )
