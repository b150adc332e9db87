"""What earlier releases kept is read, and no release harms what another one keeps."""

import asyncio
import fcntl
import json
import logging
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from first_jupyter_remote import functions
from first_jupyter_remote.orders import Orders
from first_jupyter_server import data_folder
from first_jupyter_server.auth.storage import TokenFile
from first_jupyter_server.batch.batches import Batches
from first_jupyter_server.batch.folder import Folder
from first_jupyter_server.batch.rows import Result
from first_jupyter_server.clusters.asked import Asked, owner
from first_jupyter_server.data_folder import DataFolder, format_of
from first_jupyter_server.federation.catalog import Catalog, Model
from first_jupyter_server.federation.choice import read_choice
from first_jupyter_server.federation.history import StartHistory
from first_jupyter_server.federation.purse import Purse
from first_jupyter_server.usage.ledger import FILE, Ledger
from first_jupyter_server.usage.sums import usage

from .conftest import until

KEPT = Path(__file__).parent / "kept"
RELEASES = sorted(path.parent.name for path in KEPT.glob("*/known.json"))
NOON = 1_796_040_000.0


class Kept:
    """A copy of what a release kept, opened by this one; ``known`` is what a test cannot know."""

    def __init__(self, release, folder):
        shutil.copytree(KEPT / release / "data", folder)
        self.known = json.loads((KEPT / release / "known.json").read_text())
        self.opened = DataFolder(folder)
        self.path = self.opened.path
        assert (self.path, self.opened.problem) == (folder, "")


@pytest.fixture(params=RELEASES)
def kept(request, tmp_path):
    folder = Kept(request.param, tmp_path / "first")
    yield folder
    folder.opened.close()


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# what earlier releases kept


def test_the_usage_adds_up_as_it_did_and_goes_on(kept):
    ledger = Ledger(kept.path / FILE, logging.getLogger())
    ledger.add([{**ledger.usage()["recent"][0], "request_id": "req-3", "at": NOON + 2}])
    ledger.close()
    with sqlite3.connect(kept.path / FILE) as connection:
        span = usage(connection, NOON + 60)["last_30_days"]
    connection.close()
    assert (span["requests"], span["failed"], span["node_hours"]) == (13, 3, 1.0)
    assert (span["prompt_tokens"], span["completion_tokens"]) == (190, 86)
    assert span["by_notebook"]["work/n.ipynb"]["requests"] == 3


async def test_a_batch_that_was_left_unfinished_is_asked_only_what_is_left(kept):
    answered = []

    class Hands:
        running, reason = 0, None

        async def run(self, take, give):
            while (row := await take()) is not None:
                answered.append(row.number)
                await give(Result(row.number, True, 3, 2, "lab", b"{}"))

    told = []
    batches = Batches(Folder(kept.path / "batch"), lambda _: Hands(), told.append, lambda _: None)
    batches.take(Catalog(models=(Model("org/model"),), current="org/model"))
    running = asyncio.create_task(batches.run())
    await until(lambda: told and told[-1]["status"] == "completed")
    done = await batches.get(kept.known["batches"]["in_progress"])
    running.cancel()
    await asyncio.wait([running])
    assert sorted(answered) == [4, 5]
    assert done["request_counts"] == {"total": 5, "completed": 5, "failed": 0}
    assert done["usage"]["total_tokens"] == 25


async def test_a_batch_that_had_ended_is_there_with_its_output(kept):
    folder = Folder(kept.path / "batch")
    batches = Batches(folder, None, None, None)
    ended = await batches.get(kept.known["batches"]["completed"])
    lines = folder.file(ended["output_file_id"]).read_text().splitlines()
    await batches.books.close()
    assert (ended["status"], [json.loads(line)["custom_id"] for line in lines]) == ("completed", [*"12345"])


def test_replicas_and_their_leases_are_found_again_under_the_same_name(kept):
    lab = kept.path / "clusters" / "lab"
    (order,) = Asked(lab / "asked.json").orders.values()
    assert (order.replica, order.model, order.task) == ("model-1", "org/model", "task-1")
    assert (order.asked, order.ready) == (NOON - 100, NOON)
    assert owner(lab / "owner") == kept.known["owner"]


@pytest.mark.parametrize("release", RELEASES)
def test_a_lease_that_a_node_agent_keeps_holds_under_another_release(release, tmp_path):
    shutil.copytree(KEPT / release / "cluster", tmp_path / "home")
    file = tmp_path / "home" / "replicas" / "model-1.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "updated": time.time()}))
    (found,) = functions.watch(str(tmp_path / "home"), "ada", {}, 0)["records"]
    assert (found["replica"], found["stage"], found["held_until"]) == ("model-1", "ready", 4_102_444_800)
    assert Orders(tmp_path / "home" / "replicas", "model-1").look() == 7200.0


def test_the_choice_the_times_of_starts_the_budget_and_the_login_are_kept(kept):
    assert read_choice(kept.path / "choice.json") == "org/model@lab"
    history = StartHistory(kept.path / "starts.json")
    assert history.remaining("lab", "org/model") == {"queued": [100.0], "loading": [60.0]}
    assert Purse({}, {}, kept.path / "spent.json")._spent["lab", ""].node_seconds == 3600.0
    (account,) = TokenFile(kept.path / "globus" / "tokens.json", logging.getLogger()).accounts().values()
    assert account.username == "ada@lab.example"


def test_this_release_has_left_a_folder_to_the_next_ones():
    formats = [json.loads((KEPT / each / "data" / "format.json").read_text())["format"] for each in RELEASES]
    assert max(formats) == len(data_folder.STEPS), "a new format: see tests/server/kept/write.py"


# formats


@pytest.fixture
def first(tmp_path):
    """Return a folder of the first releases: without a format, and with an old ledger."""
    shutil.copytree(KEPT / RELEASES[0] / "data", tmp_path / "first")
    (tmp_path / "first" / "format.json").unlink()
    with sqlite3.connect(tmp_path / "first" / FILE) as earlier:
        for column in ("notebook", "streamed"):
            earlier.execute(f"ALTER TABLE requests DROP COLUMN {column}")
    earlier.close()
    return tmp_path / "first"


def recent(path):
    ledger = Ledger(path / FILE, logging.getLogger())
    try:
        return ledger.usage()["recent"]
    finally:
        ledger.close()


def test_a_folder_of_the_first_releases_is_brought_up_to_this_one(first):
    folder = DataFolder(first)
    folder.close()
    assert (folder.path, format_of(first)) == (first, len(data_folder.STEPS))
    assert [each["request_id"] for each in recent(first)] == ["req-2", "req-1"]
    assert {each["notebook"] for each in recent(first)} == {None}


def test_a_new_folder_is_of_this_release_s_format_and_private(tmp_path):
    folder = DataFolder(tmp_path / "not" / "yet")
    folder.close()
    assert format_of(tmp_path / "not" / "yet") == len(data_folder.STEPS)
    assert (tmp_path / "not" / "yet").stat().st_mode & 0o777 == 0o700


def test_a_step_that_broke_off_is_done_again_at_the_next_start(first, monkeypatch):
    def breaks_off(path):
        with sqlite3.connect(path / FILE) as connection:
            connection.execute("ALTER TABLE requests ADD COLUMN notebook TEXT")
        connection.close()
        raise OSError("No space left on device")

    steps = data_folder.STEPS
    monkeypatch.setattr(data_folder, "STEPS", (breaks_off, *steps[1:]))
    broken = DataFolder(first)
    broken.close()
    assert "No space left on device" in broken.problem
    assert str(first) in broken.problem
    assert format_of(first) == 0
    monkeypatch.setattr(data_folder, "STEPS", steps)
    folder = DataFolder(first)
    folder.close()
    assert (folder.problem, len(recent(first))) == ("", 2)


@pytest.mark.parametrize(
    "content", ['{"format": 99, "release": "9.0.0"}', '{"form', '{"format": "new"}', "[]"]
)
def test_a_folder_that_this_release_cannot_read_is_left_as_it_is(kept, content):
    kept.opened.close()
    (kept.path / "format.json").write_text(content)
    before = contents(kept.path)
    folder = DataFolder(kept.path)
    assert folder.path != kept.path
    assert folder.path.is_dir()
    assert str(kept.path / "format.json") in folder.problem
    assert "pgrade first-jupyter" in folder.problem or "remove it" in folder.problem
    folder.close()
    assert not folder.path.exists()
    assert contents(kept.path) == before


# several servers


def test_servers_of_the_same_release_share_a_folder(kept):
    another = DataFolder(kept.path)
    another.close()
    assert (another.path, another.problem) == (kept.path, "")


def test_a_newer_release_leaves_a_folder_as_it_is_while_an_older_one_uses_it(kept, monkeypatch):
    monkeypatch.setattr(data_folder, "PATIENCE", 0.2)
    monkeypatch.setattr(data_folder, "STEPS", (*data_folder.STEPS, lambda path: (path / FILE).unlink()))
    before = contents(kept.path)
    newer = DataFolder(kept.path)
    newer.close()
    assert "End that server" in newer.problem
    assert contents(kept.path) == before
    kept.opened.close()
    newer = DataFolder(kept.path)
    newer.close()
    assert (newer.problem, format_of(kept.path)) == ("", len(data_folder.STEPS))


def test_a_folder_is_let_go_of_however_its_server_ends(kept, monkeypatch):
    kept.opened.close()
    code = "import sys, pathlib, os; from first_jupyter_server.data_folder import DataFolder\n"
    code += "held = DataFolder(pathlib.Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code, kept.path], check=False)
    with (kept.path / "format.json.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_folder_that_cannot_be_written_is_used_as_far_as_it_can_be(tmp_path):
    (tmp_path / "file").touch()
    folder = DataFolder(tmp_path / "file" / "first")
    folder.close()
    assert (folder.path, folder.problem) == (tmp_path / "file" / "first", "")


def test_what_a_newer_release_says_of_a_replica_that_was_asked_for_is_no_reason_to_forget_it(kept):
    path = kept.path / "clusters" / "lab" / "asked.json"
    orders = [{**entry, "reserved": True} for entry in json.loads(path.read_text())]
    path.write_text(json.dumps(orders))
    assert list(Asked(path).orders) == ["model-1"]


def test_the_ledger_of_two_servers_has_the_requests_of_both(kept):
    ledgers = [Ledger(kept.path / FILE, logging.getLogger()) for _ in range(2)]
    entry = recent(kept.path)[0]
    for number, ledger in enumerate(ledgers):
        ledger.add([{**entry, "request_id": f"of-{number}", "at": NOON + 10 + number}])
    for ledger in ledgers:
        ledger.close()
    assert [each["request_id"] for each in recent(kept.path)[:2]] == ["of-1", "of-0"]
