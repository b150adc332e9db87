"""The life of batches on the disk: begun, cancelled, resumed, expired, and taken up by the next process."""

import asyncio
import json

import pytest
from first_jupyter_server.batch import batches as all_batches
from first_jupyter_server.batch import run as one_run
from first_jupyter_server.batch.asked import Wanted, max_cost
from first_jupyter_server.batch.batches import Batches
from first_jupyter_server.batch.folder import Folder
from first_jupyter_server.batch.objects import file
from first_jupyter_server.batch.rows import Result
from first_jupyter_server.errors import ApiError
from first_jupyter_server.federation.catalog import Catalog, Model

from .conftest import until

ENDPOINT = "/v1/chat/completions"
CATALOG = Catalog(models=(Model("org/model"),), current="org/model")


class Hands:
    """Answers rows as long as it may."""

    def __init__(self):
        self.may = asyncio.Semaphore(0)
        self.answered = []
        self.running, self.reason = 0, None

    async def run(self, take, give):
        while (row := await take()) is not None:
            await self.may.acquire()
            self.answered.append(row.number)
            line = json.dumps({"custom_id": row.custom_id}).encode()
            await give(Result(row.number, row.number % 5 != 0, 1, 1, "lab", line))

    def let(self, number):
        for _ in range(number):
            self.may.release()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(one_run, "TOLD_EVERY", 0.02)
    monkeypatch.setattr(all_batches, "LOOKS_EVERY", 0.1)
    monkeypatch.setattr(all_batches, "AGAIN", 0.02)


class Process:
    """One process of batches on a folder, as a server's life has it."""

    def __init__(self, folder, catalog=CATALOG):
        self.hands = Hands()
        self.told = []
        self.used = []
        self.batches = Batches(Folder(folder), lambda batch: self.hands, self.told.append, self.used.extend)
        self.batches.take(catalog)
        self.running = asyncio.create_task(self.batches.run())

    async def end(self):
        self.running.cancel()
        await asyncio.wait([self.running])

    async def upload(self, content, identity="file-1"):
        self.batches.folder.file(identity).write_text(content)
        await self.batches.books.add_file(file("input.jsonl", len(content), "batch", identity))
        return identity

    async def begin(self, rows, **metadata):
        source = await self.upload("".join(line(number) for number in range(1, rows + 1)), f"file-{rows}")
        asked = {
            "endpoint": ENDPOINT,
            "input_file_id": source,
            "completion_window": "24h",
            "metadata": metadata,
        }
        return (await self.batches.create(Wanted.read(asked, {})))["id"]

    async def until(self, batch, status):
        async with asyncio.timeout(10):
            while (now := await self.batches.get(batch))["status"] != status:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return now

    def entries(self, file_id):
        text = self.batches.folder.file(file_id).read_text()
        return [int(json.loads(entry)["custom_id"]) for entry in text.splitlines()]


def line(number):
    body = {"model": "org/model", "messages": []}
    return json.dumps({"custom_id": str(number), "method": "POST", "url": ENDPOINT, "body": body}) + "\n"


@pytest.fixture
async def process(tmp_path):
    processes = []

    def start(**options):
        processes.append(Process(tmp_path / "batch", **options))
        return processes[-1]

    yield start
    for each in processes:
        await each.end()


async def kept(process, number):
    """Wait until so many results are on the disk."""

    def done():
        counts = process.told[-1]["request_counts"] if process.told else {"completed": 0, "failed": 0}
        return counts["completed"] + counts["failed"]

    await until(lambda: done() >= number)


async def test_a_batch_goes_through_all_its_states(process):
    one = process()
    batch = await one.begin(12)
    one.hands.let(12)
    done = await one.until(batch, "completed")
    statuses = list(dict.fromkeys(told["status"] for told in one.told))
    assert statuses == ["in_progress", "finalizing", "completed"]
    assert done["request_counts"] == {"total": 12, "completed": 10, "failed": 2}
    assert one.entries(done["output_file_id"]) == [1, 2, 3, 4, 6, 7, 8, 9, 11, 12]
    assert one.entries(done["error_file_id"]) == [5, 10]
    assert done["usage"]["total_tokens"] == 24
    assert done["first"]["clusters"] == {"lab": 12}
    rows = one.batches.folder.rows(batch)
    await until(lambda: not rows.exists())


async def test_what_rows_have_cost_is_told_once_also_over_a_restart(process):
    one = process()
    batch = await one.begin(20)
    one.hands.let(7)
    await kept(one, 7)
    await one.end()
    two = process()
    two.hands.let(13)
    await two.until(batch, "completed")
    sums = one.used + two.used
    assert {(each["model"], each["cluster"]) for each in sums} == {("org/model", "lab")}
    assert sum(each["requests"] for each in sums) == 20
    assert sum(each["failed"] for each in sums) == 4
    assert sum(each["prompt_tokens"] + each["completion_tokens"] for each in sums) == 40


async def test_an_input_that_is_wrong_fails_with_its_lines(process):
    one = process()
    source = await one.upload(line(1) + line(1) + "no JSON\n")
    asked = {"endpoint": ENDPOINT, "input_file_id": source, "completion_window": "24h"}
    batch = (await one.batches.create(Wanted.read(asked, {})))["id"]
    failed = await one.until(batch, "failed")
    assert [(error["line"], error["code"]) for error in failed["errors"]["data"]] == [
        (2, "duplicate_custom_id"),
        (3, "invalid_json_line"),
    ]
    assert one.hands.answered == []


async def test_the_next_process_goes_on_where_the_last_one_was(process):
    one = process()
    batch = await one.begin(20)
    one.hands.let(7)
    await kept(one, 7)
    await one.end()
    other = process()
    other.hands.let(20)
    done = await other.until(batch, "completed")
    assert sorted(one.hands.answered[:7] + other.hands.answered) == list(range(1, 21))
    assert sorted(other.entries(done["output_file_id"]) + other.entries(done["error_file_id"])) == [
        *range(1, 21)
    ]
    assert done["request_counts"] == {"total": 20, "completed": 16, "failed": 4}


async def test_a_cancelled_batch_keeps_what_it_has_and_can_be_resumed(process):
    one = process()
    batch = await one.begin(20)
    one.hands.let(7)
    await kept(one, 7)
    await one.batches.cancel(batch)
    cancelled = await one.until(batch, "cancelled")
    assert one.entries(cancelled["output_file_id"]) == [1, 2, 3, 4, 6, 7]
    assert cancelled["request_counts"] == {"total": 20, "completed": 6, "failed": 1}
    assert cancelled["cancelled_at"] >= cancelled["cancelling_at"]
    resumed = await one.batches.resume(batch, 60.0, {})
    assert (resumed["status"], resumed["output_file_id"], resumed["cancelled_at"]) == (
        "in_progress",
        None,
        None,
    )
    one.hands.let(20)
    done = await one.until(batch, "completed")
    assert len(one.entries(done["output_file_id"])) == 16
    assert await one.batches.books.file(cancelled["output_file_id"]) is None


async def test_a_batch_that_was_cancelled_before_it_began_begins_when_it_is_resumed(process, monkeypatch):
    monkeypatch.setattr(all_batches, "MODELS_KNOWN", 0.2)
    one = process(catalog=Catalog())
    batch = await one.begin(3)
    await one.batches.cancel(batch)
    cancelled = await one.until(batch, "cancelled")
    assert (cancelled["request_counts"]["total"], cancelled["output_file_id"]) == (0, None)
    one.batches.take(CATALOG)
    assert (await one.batches.resume(batch, 60.0, {}))["status"] == "validating"
    one.hands.let(3)
    assert (await one.until(batch, "completed"))["request_counts"]["completed"] == 3


async def test_a_batch_is_cancelled_by_a_process_that_does_not_run_it(process):
    one = process()
    batch = await one.begin(20)
    one.hands.let(3)
    await kept(one, 3)
    other = process()
    await other.batches.cancel(batch)
    await one.until(batch, "cancelled")
    assert other.hands.answered == []


async def test_a_batch_is_made_by_a_process_and_run_by_the_one_that_holds_the_folder(process):
    one = process()
    first = await one.begin(1)
    one.hands.let(1)
    await one.until(first, "completed")
    other = process()
    batch = await other.begin(3)
    one.hands.let(3)
    await other.until(batch, "completed")
    assert (one.hands.answered, other.hands.answered) == ([1, 1, 2, 3], [])


async def test_a_folder_that_cannot_be_read_for_a_moment_is_taken_later(process, monkeypatch):
    tidy, failures = Folder.tidy, [OSError("Stale file handle")]

    def tidy_later(*args):
        if failures:
            raise failures.pop()
        tidy(*args)

    monkeypatch.setattr(Folder, "tidy", tidy_later)
    one = process()
    one.hands.let(3)
    await one.until(await one.begin(3), "completed")
    assert not failures


def test_an_upload_that_ends_while_the_folder_is_tidied_stands_in_nobodys_way(tmp_path):
    folder = Folder(tmp_path / "batch")
    gone = folder.file("file-1.part")
    gone.symlink_to(tmp_path / "nowhere")  # listed, but not there when it is looked at
    folder.tidy((), ())
    assert gone.is_symlink()


async def test_what_is_left_when_the_time_is_over_gets_the_reason(process):
    one = process()
    batch = await one.begin(6)
    one.hands.let(3)
    await kept(one, 3)
    await one.batches.books.patch(batch, {"expires_at": 1})
    expired = await one.until(batch, "expired")
    assert one.entries(expired["output_file_id"]) == [1, 2, 3]
    assert one.entries(expired["error_file_id"]) == [4, 5, 6]
    assert expired["request_counts"] == {"total": 6, "completed": 3, "failed": 3}
    await one.batches.resume(batch, 60.0, {})
    one.hands.let(3)
    done = await one.until(batch, "completed")
    assert one.entries(done["output_file_id"]) == [1, 2, 3, 4, 6]


async def test_max_cost_ends_a_batch_before_more_is_asked_and_can_be_raised(process):
    one = process()
    batch = await one.begin(20, max_cost="6")
    one.hands.let(20)
    spent = await one.until(batch, "cancelled")
    assert one.hands.answered == [1, 2, 3]  # of two tokens each
    assert one.entries(spent["output_file_id"]) == [1, 2, 3]
    assert spent["first"]["reason"] == "max_cost, 6 tokens, is used up."
    await one.batches.resume(batch, 60.0, {})
    assert (await one.until(batch, "cancelled"))["request_counts"]["completed"] == 3
    await one.batches.resume(batch, 60.0, max_cost({"max_cost": 12}))
    await one.until(batch, "cancelled")
    assert one.hands.answered == [1, 2, 3, 4, 5, 6]
    await one.batches.resume(batch, 60.0, max_cost({"max_cost": None}))
    assert (await one.until(batch, "completed"))["first"]["reason"] is None


async def test_only_what_can_be_is_cancelled_or_resumed(process):
    one = process()
    batch = await one.begin(1)
    with pytest.raises(ApiError, match="only one that was cancelled or has expired"):
        await one.batches.resume(batch, 60.0, {})
    one.hands.let(1)
    await one.until(batch, "completed")
    with pytest.raises(ApiError, match="is completed; only one that is under way"):
        await one.batches.cancel(batch)
    with pytest.raises(ApiError, match="There is no batch"):
        await one.batches.cancel("batch_0")


async def test_a_file_that_a_batch_reads_stays(process):
    one = process()
    batch = await one.begin(1)
    with pytest.raises(ApiError, match="cancel that batch first"):
        await one.batches.remove_file("file-1")
    one.hands.let(1)
    await one.until(batch, "completed")
    await one.batches.remove_file("file-1")
    with pytest.raises(ApiError, match="There is no file"):
        await one.batches.remove_file("file-1")


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"endpoint": "/v1/responses"}, "endpoint"),
        ({"input_file_id": None}, "input_file_id"),
        ({"completion_window": "soon"}, "completion_window"),
        ({"completion_window": "never"}, "completion_window"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"metadata": {"replicas": "many"}}, "metadata.replicas"),
        ({"metadata": {"max_cost": "0"}}, "metadata.max_cost"),
    ],
)
def test_what_is_wrong_with_a_wish_is_told(change, param):
    asked = {"endpoint": ENDPOINT, "input_file_id": "file-1", "completion_window": "24h", **change}
    with pytest.raises(ApiError) as refused:
        Wanted.read(asked, {})
    assert (refused.value.status, refused.value.param) == (400, param)


def test_where_rows_may_go_is_kept_with_the_batch():
    asked = {
        "endpoint": ENDPOINT,
        "input_file_id": "file-1",
        "completion_window": "90m",
        "metadata": {"replicas": "2"},
    }
    wanted = Wanted.read(asked, {"x-first-stay": "lab, campus"})
    assert wanted.first == {"replicas": 2, "stay": "lab, campus"}
    assert wanted.window == ("90m", 5400.0)
