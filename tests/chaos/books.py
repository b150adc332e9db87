"""What must not be lost: entries of the ledger that were written, and rows of batches that were counted."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from dataclasses import dataclass, field
from typing import Self

import httpx
import openai
from counting_server import FROM, counted
from readers import COUNTER
from world import World

__all__ = ["Batches", "Ledger"]

CHAT = "/v1/chat/completions"
ROWS = 200
TOKENS = 60
ENDED = ("completed", "failed", "expired", "cancelled")


class Ledger:
    """The usage file, read beside the server that writes it."""

    def __init__(self, world: World) -> None:
        self._file = world.folder / "jupyter" / "data" / "first" / "usage.sqlite3"
        self.seen: set[str] = set()

    def entered(self) -> set[str]:
        """Return the ids of all requests that are entered."""
        if not self._file.exists():
            return set()
        with contextlib.closing(sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=30)) as file:
            return {row[0] for row in file.execute("SELECT request_id FROM requests")}

    def look(self) -> None:
        """Remember what is entered now; none of it may ever be missing."""
        with contextlib.suppress(sqlite3.OperationalError):
            self.seen |= self.entered()


@dataclass
class Batches:
    """One batch after the other, each checked row by row when it has ended.

    Attributes
    ----------
    whole, rows
        How many batches came to their end, and how many rows they had.
    wrong
        What was wrong, a sentence each.
    """

    world: World
    whole: int = 0
    rows: int = 0
    wrong: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let the last one come to its end."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        begin = 1_000_000
        while not self._over.wait(5):
            begin += ROWS
            numbers = {f"row-{number}": number for number in range(begin, begin + ROWS)}
            self._check(numbers, self._one(numbers))

    def _one(self, numbers: dict[str, int]) -> str:
        """Have a batch answered, and return its output."""
        text = "".join(json.dumps(row(name, number)) + "\n" for name, number in numbers.items())
        file = self._asked(
            lambda client: client.files.create(file=("in.jsonl", text.encode()), purpose="batch")
        )
        asked = {"endpoint": CHAT, "completion_window": "24h", "input_file_id": file.id}
        batch = self._asked(lambda client: client.batches.create(**asked))
        name = batch.id
        done = 0
        while batch.status not in ENDED:
            time.sleep(1)
            batch = self._asked(lambda client: client.batches.retrieve(name))
            if (now := batch.request_counts.completed) < done:
                self.wrong.append(f"{done} rows were counted as done, and then {now}")
            done = max(done, batch.request_counts.completed)
        if batch.output_file_id is None:
            self.wrong.append(f"a batch has no output: {batch.status}, {batch.errors}")
            return ""
        return self._asked(lambda client: client.files.content(batch.output_file_id).text)

    def _asked(self, ask):
        """Ask until there is an answer: the server is killed again and again."""
        until = time.monotonic() + 120
        while True:
            try:
                with self.world.jupyter.openai(timeout=20) as client:
                    return ask(client)
            except (openai.APIConnectionError, openai.InternalServerError, OSError, httpx.HTTPError):
                if time.monotonic() > until:
                    raise
                time.sleep(0.5)

    def _check(self, numbers: dict[str, int], output: str) -> None:
        rows = [json.loads(line) for line in output.splitlines()]
        said = {each["custom_id"]: text_of(each) for each in rows}
        wanted = {name: counted(number, TOKENS) for name, number in numbers.items()}
        bad = [name for name, text in said.items() if text != wanted.get(name)]
        if len(rows) != len(numbers) or bad:
            self.wrong.append(f"{len(rows)} rows of {len(numbers)}, {len(bad)} of them wrong: {bad[:3]}")
        self.whole += 1
        self.rows += len(rows)


def row(name: str, number: int) -> dict:
    said = [{"role": "user", "content": FROM.format(number)}]
    body = {"model": COUNTER, "messages": said, "max_tokens": TOKENS}
    return {"custom_id": name, "method": "POST", "url": CHAT, "body": body}


def text_of(entry: dict) -> str:
    answer = entry["response"]["body"] if entry.get("response") else {}
    return answer["choices"][0]["message"]["content"] if answer.get("choices") else ""
