"""One connection of the load generator: it checks every answer to its end.

Of each stream it checks that all tokens came, in order, with ``[DONE]`` at the end; all else is a failure.
"""

from __future__ import annotations

import asyncio
import json
import time
from array import array
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

import httptools
from upstream import MODEL, read_token

_CONNECTS_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Job:
    """What to do.

    Parameters
    ----------
    url
        The address of every request.
    headers
        Sent with every request.
    method
        ``POST`` sends a chat completion, ``GET`` nothing.
    model
        The model that is asked for.
    clients
        How many connections, each with one request at a time.
    rate
        Requests a second, at random moments and whether others have been answered or not, for ``seconds``;
        0 lets each client ask as soon as it has been answered.
    requests, seconds
        Each client ends after so many requests, or begins none after so long.
    pause_ms
        How long a client rests between requests.
    stream, tokens, delay_ms, ttft_ms
        What is asked of the upstream.
    warm
        Let every client make one short request before anything is counted.
    watch
        Processes by role, whose CPU time over the counted part is reported.
    memory
        Report the watched processes' memory too: idle, and with every stream under way.
    sample
        Report the watched processes' memory every second.
    by
        The program that does it.
    leave
        Once every stream is under way, close all connections and ask the upstream at this address how many
        streams it still writes.
    """

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "POST"
    model: str = MODEL
    clients: int = 1
    rate: float = 0.0
    requests: int = 10**9
    seconds: float = 3600.0
    pause_ms: float = 0.0
    stream: bool = False
    tokens: int = 16
    delay_ms: float = 0.0
    ttft_ms: float = 0.0
    warm: bool = True
    watch: dict[str, list[int]] = field(default_factory=dict)
    memory: bool = False
    sample: bool = False
    by: str = "load.py"
    leave: str = ""

    def message(self) -> bytes:
        """Return the bytes of one request."""
        where = urlsplit(self.url)
        body = b""
        if self.method == "POST":
            asked: dict[str, Any] = {
                "model": self.model,
                "messages": [{"role": "user", "content": "Explain the residuals in two sentences."}],
                "x_tokens": self.tokens,
                "x_delay_ms": self.delay_ms,
                "x_ttft_ms": self.ttft_ms,
            }
            if self.stream:
                asked |= {"stream": True, "stream_options": {"include_usage": True}}
            body = json.dumps(asked).encode()
        target = where.path + (f"?{where.query}" if where.query else "")
        headers = {"host": where.netloc, "accept": "application/json", **self.headers}
        if body:
            headers |= {"content-type": "application/json", "content-length": str(len(body))}
        lines = [f"{self.method} {target} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
        return "\r\n".join(lines).encode() + body


class Tally:
    """What the clients saw."""

    def __init__(self) -> None:
        self.latency = array("q")
        self.ttft = array("q")
        self.transit = array("q")
        self.failed = 0
        self.failures: list[str] = []

    def fail(self, reason: str) -> None:
        """Count a failure and keep the first few reasons."""
        self.failed += 1
        if len(self.failures) < 5:
            self.failures.append(reason)


class Client(asyncio.Protocol):
    """One connection and the answers that come over it."""

    transport: asyncio.Transport

    def __init__(self, job: Job) -> None:
        self.job = job
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.done.set_result(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; the parser serves all messages of the connection."""
        self.transport = cast("asyncio.Transport", transport)
        self.parser = httptools.HttpResponseParser(self)

    async def run(self, job: Job, tally: Tally, due: int = 0) -> None:
        """Make the job's requests; the first one counts from the moment ``due``, in ns, if that is given."""
        self.message, self.tally, self.job = job.message(), tally, job
        self.left, self.until = job.requests, time.monotonic_ns() + int(job.seconds * 1e9)
        self.done = asyncio.get_running_loop().create_future()
        self._send()
        if due:
            self.sent = due
        await self.done

    def _send(self) -> None:
        if self.done.done():
            return
        if self.transport.is_closing():
            self.tally.fail("the connection was closed between two requests")
            self.done.set_result(None)
            return
        self.left -= 1
        self.seen, self.rest, self.ended, self.wrong = 0, b"", False, ""
        self.sent = time.monotonic_ns()
        self.transport.write(self.message)

    def data_received(self, data: bytes) -> None:
        """Stamp what came and parse it."""
        self.now = time.monotonic_ns()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.wrong = f"not HTTP: {error}"
            self.transport.abort()

    def on_body(self, body: bytes) -> None:
        """Check each token's place and take its times."""
        if not self.job.stream:
            self.rest += body
            return
        *events, self.rest = (self.rest + body).split(b"\n\n")
        for event in events:
            token = read_token(event)
            if token is None:
                self.ended = event == b"data: [DONE]"
                if b'"error"' in event:
                    self.wrong = event.decode(errors="replace")
                continue
            index, sent = token
            if index != self.seen:
                self.wrong = f"token {index} came where {self.seen} was due"
            if index == 0:
                self.tally.ttft.append(self.now - self.sent)
            self.seen += 1
            self.tally.transit.append(self.now - sent)

    def on_message_complete(self) -> None:
        """Judge the answer and go on to the next request."""
        self._finish(self._verdict())
        if self.done.done():
            return
        if not self.left or time.monotonic_ns() >= self.until:
            self.done.set_result(None)
        elif self.job.pause_ms:
            asyncio.get_running_loop().call_later(self.job.pause_ms / 1000, self._send)
        else:
            self._send()

    def connection_lost(self, _error: Exception | None) -> None:
        """Count an answer that was under way as failed."""
        if not self.done.done():
            self._finish(self.wrong or f"the connection was lost after {self.seen} tokens")
            self.done.set_result(None)

    def _verdict(self) -> str:
        status = self.parser.get_status_code()
        if status != 200:
            return f"status {status}: {self.rest[:300].decode(errors='replace')}"
        if self.job.stream and not (self.ended and self.seen == self.job.tokens):
            return self.wrong or f"{self.seen} of {self.job.tokens} tokens, [DONE] {self.ended}"
        if self.job.method == "POST" and not self.job.stream and b'"finish_reason":"stop"' not in self.rest:
            return f"not an answer: {self.rest[:300].decode(errors='replace')}"
        return self.wrong

    def _finish(self, wrong: str) -> None:
        if wrong:
            self.tally.fail(wrong)
        else:
            self.tally.latency.append(self.now - self.sent)


def percentiles(values: array[int]) -> list[float] | None:
    """Return the 50th and 99th percentile in milliseconds."""
    if not values:
        return None
    ordered = sorted(values)
    return [ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1e6 for share in (0.5, 0.99)]


async def connect(job: Job) -> list[Client]:
    """Open all connections, few at a time."""
    loop, where = asyncio.get_running_loop(), urlsplit(job.url)
    host, port = where.hostname or "127.0.0.1", where.port or 80
    clients: list[Client] = []
    while len(clients) < job.clients:
        few = min(_CONNECTS_AT_ONCE, job.clients - len(clients))
        opened = await asyncio.gather(
            *(loop.create_connection(lambda: Client(job), host, port) for _ in range(few))
        )
        clients.extend(client for _, client in opened)
    return clients
