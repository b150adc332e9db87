"""What a batch costs besides its answers: rows/s that are read, answered and written down, and the memory.

Run ``python benchmarks/batch_books.py 10000 1000000``. Nothing is sent: each row is answered at once, with an
answer of 500 bytes, in one process as the process of batches is one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from first_jupyter_server.batch.answered import read
from first_jupyter_server.batch.asked import Wanted
from first_jupyter_server.batch.batches import Batches
from first_jupyter_server.batch.executor import Give, Take
from first_jupyter_server.batch.folder import Folder
from first_jupyter_server.batch.objects import ENDED, Json, file
from first_jupyter_server.federation.catalog import Catalog, Model

MODEL = "bench/fake"
ENDPOINT = "/v1/chat/completions"
ANSWER = json.dumps(
    {
        "id": "chatcmpl-0123456789abcdef",
        "object": "chat.completion",
        "model": MODEL,
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "word " * 60}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 20, "completion_tokens": 60, "total_tokens": 80},
    }
).encode()
HEAD = {b"x-request-id": b"req-0123456789abcdef", b"x-first-cluster": b"lab"}


class AtOnce:
    """Answers each row at once."""

    running, reason = 0, None

    def __init__(self, batch: Json) -> None:
        self._batch = batch["id"]

    async def run(self, take: Take, give: Give) -> None:
        """Answer all of them."""
        answered = 0
        while (row := await take()) is not None:
            result = read(row, self._batch, 200, HEAD, ANSWER)
            assert not hasattr(result, "reason")
            await give(result)
            answered += 1
            if answered % 100 == 0:
                await asyncio.sleep(0)  # as often as answers would come over the network


def write_input(path: Path, rows: int) -> None:
    with path.open("w") as out:
        for number in range(rows):
            asked = [{"role": "user", "content": f"Say {number}. {'x' * 100}"}]
            body = {"model": MODEL, "messages": asked, "max_tokens": 60}
            entry = {"custom_id": f"request-{number}", "method": "POST", "url": ENDPOINT, "body": body}
            out.write(json.dumps(entry) + "\n")


async def run(rows: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as place:
        began: dict[str, float] = {}
        over = asyncio.Event()

        def tell(batch: Json) -> None:
            began.setdefault(batch["status"], time.monotonic())
            if batch["status"] in ENDED:
                over.set()

        batches = Batches(
            Folder(Path(place)),
            AtOnce,
            tell,
            lambda _: None,
        )
        batches.take(Catalog(models=(Model(MODEL),), current=MODEL))
        write_input(batches.folder.file("file-1"), rows)
        await batches.books.add_file(file("input.jsonl", 0, "batch", "file-1"))
        running = asyncio.create_task(batches.run())
        began["validating"] = time.monotonic()
        asked = {"endpoint": ENDPOINT, "input_file_id": "file-1", "completion_window": "24h"}
        batch = await batches.create(Wanted.read(asked, {}))
        await over.wait()
        counts = (await batches.get(batch["id"]))["request_counts"]
        running.cancel()
        assert counts == {"total": rows, "completed": rows, "failed": 0}
        return {
            "rows": rows,
            "validate_s": round(began["in_progress"] - began["validating"], 2),
            "rows_s": round(rows / (began["finalizing"] - began["in_progress"])),
            "write_out_s": round(began["completed"] - began["finalizing"], 2),
            "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="+", type=int, help="rows of each batch")
    given = parser.parse_args()
    if len(given.rows) == 1:
        print(json.dumps(asyncio.run(run(given.rows[0]))))
        return
    for rows in given.rows:  # each in a process of its own, for the sake of the memory
        subprocess.run([sys.executable, __file__, str(rows)], check=True)


if __name__ == "__main__":
    main()
