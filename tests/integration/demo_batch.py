"""Shows one batch that outlives everything: ``make demo-batch``.

10,000 short prompts over two clusters, while a replica is killed, the Jupyter server is killed with SIGKILL
and started again, and the batch is cancelled and resumed. The two inference servers are stand-ins that say
each prompt again, so that every answer can be held against its question; all else is real.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Self

import openai
from campus import MODEL, Campus
from demo_words import Clock, say, title
from jupyter_process import Jupyter, free_port, wait_until

CHAT = "/v1/chat/completions"
ENDED = ("completed", "failed", "expired", "cancelled")
LONG = 240


def prompt(number: int) -> str:
    """Return the question of one row."""
    return f"What is {number} plus {number}?"


def content(rows: int) -> bytes:
    """Return the input, as OpenAI's documentation has it."""
    asked = [
        {
            "custom_id": f"request-{number}",
            "method": "POST",
            "url": CHAT,
            "body": {"model": MODEL, "messages": [{"role": "user", "content": prompt(number)}]},
        }
        for number in range(rows)
    ]
    return "".join(json.dumps(each) + "\n" for each in asked).encode()


class Lab:
    """The Jupyter server, which can be killed and started again on the same folder."""

    def __init__(self, home: Path, federation: str) -> None:
        self._home, self._federation = home, federation
        self.server = Jupyter(home, federation=federation)

    @property
    def client(self) -> openai.OpenAI:
        """Return OpenAI's own client of the server as it is now."""
        return self.server.openai(timeout=60)

    def kill(self) -> None:
        """Kill it with SIGKILL, and see that nothing of it is left."""
        os.kill(self.server.process.pid, signal.SIGKILL)
        self.server.process.wait()
        wait_until(lambda: not self.server.processes(), 30)

    def start(self) -> None:
        """Start it again."""
        self.server = Jupyter(self._home, federation=self._federation)

    def close(self) -> None:
        """End it."""
        self.server.close()

    def until(self, batch: str, rows: int) -> None:
        """Wait until so many rows are done, or the batch has ended."""
        with self.client as client:

            def done() -> bool:
                now = client.batches.retrieve(batch)
                return now.status in ENDED or now.request_counts.completed >= rows

            wait_until(done, LONG, lambda: str(client.batches.retrieve(batch)))
            now = client.batches.retrieve(batch)
        first = now.first
        rate = f", {first['rate']:.0f} rows/s" if first["rate"] else ""
        where = ", ".join(f"{cluster} {number:,}" for cluster, number in sorted(first["clusters"].items()))
        counts = now.request_counts
        say(f"    {now.status}: {counts.completed:,} of {counts.total:,}{rate} ({where})")


class Person:
    """Asks one question after the other beside the batch, and takes the time of each answer."""

    def __init__(self, lab: Lab) -> None:
        self._lab, self._over = lab, threading.Event()
        self.seconds: list[float] = []
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._over.wait(0.5):
            with contextlib.suppress(openai.APIError, OSError), self._lab.client as client:
                begun = time.monotonic()
                client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hello"}])
                self.seconds.append(time.monotonic() - begun)


def mishaps(lab: Lab, one: Campus, batch: str, rows: int) -> None:
    """Have everything happen that can."""
    lab.until(batch, rows // 5)
    title("The lab's replica is killed")
    one.kill()
    lab.until(batch, rows * 2 // 5)
    one.start()
    say("    it is back")
    title("The Jupyter server is killed (SIGKILL)")
    lab.kill()
    lab.start()
    say("    the next one has started; nobody asked it to go on")
    lab.until(batch, rows * 3 // 5)
    title("The batch is cancelled")
    with lab.client as client:
        client.batches.cancel(batch)
        wait_until(lambda: client.batches.retrieve(batch).status == "cancelled", LONG)
        partly = client.files.content(client.batches.retrieve(batch).output_file_id).text
        say(f"    its output so far has {len(partly.splitlines()):,} rows")
        title("It is resumed")
        client.post(f"/batches/{batch}/resume", cast_to=object)
    lab.until(batch, rows)


def check(lab: Lab, batch: str, rows: int) -> list[str]:
    """Return what is wrong with the output."""
    with lab.client as client:
        wait_until(lambda: client.batches.retrieve(batch).status in ENDED, LONG)
        now = client.batches.retrieve(batch)
        if now.output_file_id is None:
            return [f"There is no output: {now}"]
        entries = [json.loads(line) for line in client.files.content(now.output_file_id).text.splitlines()]
    ids = [entry["custom_id"] for entry in entries]
    said = [entry["response"]["body"]["choices"][0]["message"]["content"] for entry in entries]
    wrong = [] if now.status == "completed" else [f"The batch is {now.status}."]
    if len(set(ids)) != len(ids):
        wrong.append("There are rows twice.")
    if ids != [f"request-{number}" for number in range(rows)]:
        wrong.append("Rows are missing, or not in order.")
    if said != [prompt(number) for number in range(rows)]:
        wrong.append("Answers are not those of their questions.")
    say(f"    {len(set(ids)):,} different rows of {rows:,}, {len(ids) - len(set(ids))} of them twice")
    say(f"    in the input's order: {'yes' if not wrong else 'no'}; failed: {now.request_counts.failed}")
    return wrong


def main() -> None:
    """Run the demonstration."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000, help="prompts (%(default)s)")
    given = parser.parse_args()
    clock = Clock()
    with tempfile.TemporaryDirectory(prefix="first-demo-") as place, contextlib.ExitStack() as stack:
        title("Two clusters")
        campus, lab_server = Campus(free_port(), 8, 40), Campus(free_port(), 4, 40)
        stack.callback(campus.kill)
        stack.callback(lab_server.kill)
        clock.done("campus answers 200 rows a second, lab 100")
        federation = json.dumps({"clusters": {"campus": campus.section, "lab": lab_server.section}})
        lab = Lab(Path(place) / "jupyter", federation)
        stack.callback(lab.close)
        clock.done("Jupyter server with first-jupyter")
        title(f"A batch of {given.rows:,} prompts")
        with lab.client as client:
            uploaded = client.files.create(file=("prompts.jsonl", content(given.rows)), purpose="batch")
            made = client.batches.create(input_file_id=uploaded.id, endpoint=CHAT, completion_window="24h")
        with Person(lab) as person:
            begun = time.monotonic()
            mishaps(lab, lab_server, made.id, given.rows)
            wrong = check(lab, made.id, given.rows)
            took = time.monotonic() - begun
        title("In all")
        clock.done(f"{given.rows:,} rows, {given.rows / took:.0f} a second, all mishaps included")
        ninth = statistics.quantiles(person.seconds, n=10)[-1]
        say(
            f"    {len(person.seconds)} questions of a person meanwhile: half within "
            f"{statistics.median(person.seconds):.2f} s, nine of ten within {ninth:.2f} s"
        )
    if wrong:
        raise SystemExit(" ".join(wrong))


if __name__ == "__main__":
    main()
