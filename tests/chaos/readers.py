"""Readers who always have a stream open, and write down how each of their answers ended.

``python readers.py FOLDER COUNTERS REAL``: a process of its own, so that nothing else keeps it from reading.
It finds the server as a terminal does, again and again. Each line of ``FOLDER/answers.jsonl`` is one answer,
each of ``FOLDER/flow.jsonl`` the number of streams of which something came within the last second. Times are
those of the monotonic clock, which all processes of a machine share.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import random
import signal
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httptools
import uvloop
from counting_server import FROM, counted

__all__ = ["Asked"]

COUNTER, REAL = "chaos/counter", "HuggingFaceTB/SmolLM2-135M-Instruct"
"""Whose answers are known word by word, and a real one."""

LONGEST_SILENCE = 45.0
"""Seconds without a byte after which an answer counts as hung."""

LOOK_EVERY = 0.25
THROUGH_JUPYTER = 5
"""Every so manyth reader asks on Jupyter's port, all others on the kernels'."""

SECONDS = (6, 20)
"""How long an answer takes to write, at ten tokens a second."""


@dataclass
class Asked:
    """One answer.

    Attributes
    ----------
    id
        Its ``x-request-id``.
    port
        ``kernels`` or ``jupyter``.
    at, first, end
        When it was asked for, when its first text came (0 if none), and when it had ended.
    how
        One of ``whole``, ``continued``, ``told before``, ``told within``, ``broken``, ``refused``, ``silent``
        and ``hung``.
    why
        What the reader was told.
    """

    id: str
    port: str
    model: str
    at: float
    first: float = 0.0
    end: float = 0.0
    how: str = ""
    why: str = ""
    cluster: str = ""
    seams: int = 0


class Answer(asyncio.Protocol):
    """Reads one answer as it comes."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.headers: dict[str, str] = {}
        self.rest = self.body = b""
        self.text, self.error, self.finish = "", "", ""
        self.done = self.ended = False
        self.first = self.last = 0.0
        self.seams = 0

    def data_received(self, data: bytes) -> None:
        self.last = time.monotonic()
        with contextlib.suppress(httptools.HttpParserError):
            self.parser.feed_data(data)

    def connection_lost(self, exc) -> None:
        self.end()

    def end(self) -> None:
        if not self.over.done():
            self.over.set_result(None)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode().lower()] = value.decode()

    def on_body(self, data: bytes) -> None:
        if "event-stream" not in self.headers.get("content-type", ""):
            self.body += data
            return
        *events, self.rest = (self.rest + data).split(b"\n\n")
        for event in events:
            if event.startswith(b"data: "):
                self._take(event[6:])

    def _take(self, event: bytes) -> None:
        if event == b"[DONE]":
            self.done = True
            return
        said = json.loads(event)
        if "error" in said:
            self.error = said["error"]["message"]
            return
        self.seams = max(self.seams, len((said.get("x_first") or {}).get("seams", ())))
        for choice in said["choices"]:
            if text := choice["delta"].get("content"):
                self.first = self.first or self.last
                self.text += text
            self.finish = choice["finish_reason"] or self.finish

    def on_message_complete(self) -> None:
        self.ended = True
        self.end()


class Reader:
    """One reader, who asks as long as it may."""

    def __init__(self, number: int, model: str, readers: Readers) -> None:
        self.port = "kernels" if number % THROUGH_JUPYTER else "jupyter"
        self.model, self.readers = model, readers
        self.answer: Answer | None = None
        self.asked: Asked | None = None

    async def read(self) -> None:
        while not self.readers.over:
            self.asked = asked = Asked(uuid.uuid4().hex, self.port, self.model, time.monotonic())
            first, tokens = next(self.readers.numbers), round(10 * random.uniform(*SECONDS))
            try:
                await self._ask(asked, first, tokens)
            except OSError as error:
                asked.how, asked.why = "refused", str(error)
            asked.end = time.monotonic()
            self.readers.note(asked)
            # Who had no luck does what a person does; OpenAI's clients wait about as long.
            await asyncio.sleep(0 if asked.how in ("whole", "continued") else 0.5)

    async def _ask(self, asked: Asked, first: int, tokens: int) -> None:
        where, key = self.readers.found(self.port)
        loop = asyncio.get_running_loop()
        transport, answer = await loop.create_connection(Answer, where.hostname, where.port)
        self.answer = answer
        answer.last = time.monotonic()
        transport.write(request(where, key, asked, FROM.format(first), tokens))
        while not answer.over.done():
            await asyncio.wait([answer.over], timeout=1)
            if time.monotonic() - answer.last > LONGEST_SILENCE:
                break
        transport.abort()
        asked.first, asked.seams = answer.first, answer.seams
        asked.cluster = answer.headers.get("x-first-cluster", "")
        asked.how, asked.why = verdict(answer, counted(first, tokens) if self.model == COUNTER else None)

    @property
    def flows(self) -> bool:
        return self.answer is not None and time.monotonic() - self.answer.last < 1 and bool(self.answer.first)


def request(where, key: str, asked: Asked, prompt: str, tokens: int) -> bytes:
    said = {"model": asked.model, "messages": [{"role": "user", "content": prompt}], "max_tokens": tokens}
    body = json.dumps(said | {"stream": True, "temperature": 0}).encode()
    head = (
        f"POST {where.path}/chat/completions HTTP/1.1\r\nhost: {where.netloc}\r\n"
        f"authorization: Bearer {key}\r\nx-request-id: {asked.id}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def verdict(answer: Answer, wanted: str | None) -> tuple[str, str]:
    """Say how an answer ended, and what its reader was told."""
    if not answer.over.done():
        return "hung", f"nothing came for {LONGEST_SILENCE:g} s after {len(answer.text)} characters"
    if answer.error:
        return ("told within" if answer.text else "told before"), answer.error
    if not answer.ended:
        return "broken", f"the connection broke after {len(answer.text)} characters"
    status = answer.parser.get_status_code()
    if status >= 400 and b'"message"' in answer.body:
        return "told before", f"{status}: {json.loads(answer.body)['error']['message']}"
    whole = answer.done and bool(answer.finish)
    if whole and wanted in (None, answer.text):
        return ("continued" if answer.seams else "whole"), ""
    what = "other text than it should" if whole else "no end"
    return "silent", f"status {status}, {what}: …{answer.text[-40:]!r}, {answer.body[:200]!r}"


class Readers:
    """All of them, and what they share."""

    def __init__(self, folder: Path, counters: int, real: int) -> None:
        self.folder, self.over = folder, False
        self._models = [COUNTER] * counters + [REAL] * real
        self.numbers: Iterator[int] = itertools.count(10_000_000, 1_000)
        self._answers = (folder / "answers.jsonl").open("w")
        self._flow = (folder / "flow.jsonl").open("w")

    def found(self, port: str):
        """Return where a server is now, and the key to it."""
        for file in self.folder.glob("jupyter/runtime/first-*.json"):
            with contextlib.suppress(OSError, ValueError):
                said = json.loads(file.read_text())
                os.kill(said["pid"], 0)
                break
        else:
            raise OSError("there is no server")
        url = said["base_url"] if port == "kernels" else f"{said['server_url']}first/v1"
        return urlsplit(url.replace("localhost", "127.0.0.1")), said["api_key"]

    def note(self, asked: Asked) -> None:
        self._answers.write(json.dumps(asdict(asked)) + "\n")
        self._answers.flush()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._end)
        readers = [Reader(number, model, self) for number, model in enumerate(self._models)]
        tasks = [loop.create_task(reader.read()) for reader in readers]
        while not all(task.done() for task in tasks):
            flow = sum(reader.flows for reader in readers)
            self._flow.write(json.dumps([time.monotonic(), flow]) + "\n")
            self._flow.flush()
            await asyncio.sleep(LOOK_EVERY)
        await asyncio.gather(*tasks)

    def _end(self) -> None:
        self.over = True


if __name__ == "__main__":
    uvloop.run(Readers(Path(sys.argv[1]), *map(int, sys.argv[2:4])).run())
