"""Writes a data folder as this release keeps it, and what is in it; every later release has to read that.

python tests/server/kept/write.py tests/server/kept/RELEASE
"""

import asyncio
import json
import logging
import sys
from dataclasses import replace
from pathlib import Path

from first_jupyter_remote import records
from first_jupyter_remote.orders import order_hold
from first_jupyter_remote.protocol import ReplicaRecord, Stage
from first_jupyter_server.auth.storage import Account, TokenFile
from first_jupyter_server.batch.asked import Wanted
from first_jupyter_server.batch.batches import Batches
from first_jupyter_server.batch.folder import Folder
from first_jupyter_server.batch.objects import file
from first_jupyter_server.batch.rows import Result
from first_jupyter_server.clusters.asked import Asked, Order, owner
from first_jupyter_server.data_folder import DataFolder
from first_jupyter_server.federation.budget import Spent
from first_jupyter_server.federation.catalog import Catalog, Model
from first_jupyter_server.federation.choice import write_choice
from first_jupyter_server.federation.history import StartHistory
from first_jupyter_server.federation.purse import Purse
from first_jupyter_server.usage.held import Held
from first_jupyter_server.usage.ledger import FILE, Ledger

NOON = 1_796_040_000.0
ENDPOINT = "/v1/chat/completions"
FAR = 4_102_444_800
"""When the batch that is left unfinished expires: in 2100."""


def requests():
    """Return two requests, as the data plane tells of them."""
    told = {"model": "org/model", "route": "chat/completions", "cluster": "lab", "replica": "model-1"}
    told |= {"prompt_tokens": 30, "completion_tokens": 12, "first_byte_s": 0.5, "total_s": 2.0}
    told |= {"streamed": True, "notebook": "work/n.ipynb"}
    yield {**told, "request_id": "req-1", "at": NOON, "status": 200, "outcome": "ok"}
    yield {**told, "request_id": "req-2", "at": NOON + 1, "status": 503, "outcome": "model_not_ready"}


def write_usage(path):
    """Enter requests, a replica's nodes and rows of a batch."""
    ledger = Ledger(path, logging.getLogger())
    ledger.add(requests())
    ledger.hold(Held("lab", "model-1", "org/model", 2.0, NOON, NOON + 1800))
    rows = {"model": "org/model", "cluster": "lab", "requests": 10, "failed": 1}
    ledger.add_rows([{**rows, "at": NOON, "prompt_tokens": 100, "completion_tokens": 50}])
    ledger.close()


class Hands:
    """Answers the first rows of a batch, and never the others."""

    running, reason = 0, None

    def __init__(self, most):
        self.most = most

    async def run(self, take, give):
        """Answer rows as they come."""
        while (row := await take()) is not None:
            if row.number > self.most:
                await asyncio.Event().wait()
            line = json.dumps({"custom_id": row.custom_id}).encode()
            await give(Result(row.number, True, 3, 2, "lab", line))


async def write_batches(path):
    """Run one batch to its end, and leave another one after three rows of five; return their ids."""
    ids = {}
    for name, most in (("completed", 5), ("in_progress", 3)):
        told = []
        batches = Batches(Folder(path), lambda _, most=most: Hands(most), told.append, lambda _: None)
        batches.take(Catalog(models=(Model("org/model"),), current="org/model"))
        running = asyncio.create_task(batches.run())
        rows = "".join(line(number) for number in range(1, 6))
        batches.folder.file(f"file-{name}").write_text(rows)
        await batches.books.add_file(file("rows.jsonl", len(rows), "batch", f"file-{name}"))
        asked = {"endpoint": ENDPOINT, "input_file_id": f"file-{name}", "completion_window": "24h"}
        ids[name] = (await batches.create(Wanted.read(asked, {})))["id"]
        await until(lambda told=told, most=most: told and told[-1]["request_counts"]["completed"] == most)
        if name == "completed":
            await until(lambda told=told: told[-1]["status"] == "completed")
        running.cancel()
        await asyncio.wait([running])
    await batches.books.patch(ids["in_progress"], {"expires_at": FAR})
    await batches.books.close()
    return ids


async def until(condition):
    """Wait for it."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.05)


def line(number):
    """Return one line of a batch's input."""
    body = {"model": "org/model", "messages": [{"role": "user", "content": f"Row {number}"}]}
    return json.dumps({"custom_id": str(number), "method": "POST", "url": ENDPOINT, "body": body}) + "\n"


def write_cluster(home):
    """Write what a node agent keeps of its replica, which somebody holds warm, and an order for it."""
    record = ReplicaRecord("model-1", "org/model", Stage.READY, owner="ada", node="n1", port=8000)
    records.write(home / "replicas" / "model-1.json", replace(record, held_until=FAR, expires=FAR))
    order_hold(home / "replicas", "model-1", 7200.0, None)


def write(path):
    """Write all of it; return what a test cannot know."""
    folder = DataFolder(path)
    write_usage(path / FILE)
    write_choice(path / "choice.json", "org/model@lab")
    history = StartHistory(path / "starts.json")
    history.add("lab", "org/model", {"queued": 0.0, "loading": 40.0}, 100.0)
    history.save()
    purse = Purse({}, {}, path / "spent.json")
    purse._spent = {("lab", ""): Spent("2026-11-30", 3600.0)}
    purse.save()
    asked = Asked(path / "clusters" / "lab" / "asked.json")
    asked.add(Order("model-1", "org/model", "task-1", None, NOON, NOON - 100))
    tag = owner(path / "clusters" / "lab" / "owner")
    account = Account("client", username="ada@lab.example", tokens={"server": {"access_token": "made-up"}})
    TokenFile(path / "globus" / "tokens.json", logging.getLogger()).put(account)
    batches = asyncio.run(write_batches(path / "batch"))
    folder.close()
    return {"owner": tag, "batches": batches}


if __name__ == "__main__":
    release = Path(sys.argv[1])
    known = write(release / "data")
    write_cluster(release / "cluster")
    (release / "known.json").write_text(json.dumps(known, indent=2) + "\n")
    for lock in (*release.rglob("*.lock"), *release.rglob("lock")):
        lock.unlink()
