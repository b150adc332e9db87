"""An inference server without a model: it counts, and goes on counting where another one was lost.

It takes the command line of vLLM's server and speaks its wire format; ``--port PORT`` alone will do. Asked to
"Count from 4711." it writes `` 00004711 00004712 …``, a number each 100 ms, so that a reader knows what every
answer has to be. An answer of which it is given the beginning (``continue_final_message``) it goes on with at
that character.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import re

import httptools
import uvloop

__all__ = ["FROM", "counted"]

FROM = "Count from {}."
WIDTH = 9
"""Characters of a token: a blank and eight digits."""

STEP = 0.1
"""Seconds between two tokens of all streams."""

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def counted(first: int, count: int) -> str:
    """Return so many numbers, as the model writes them."""
    return "".join(f" {number:08d}" for number in range(first, first + count))


class Engine:
    """Gives each stream a token in every step, and knows what a metrics page says."""

    def __init__(self) -> None:
        self.streams: dict[Stream, None] = {}
        self.written = 0
        self._due = 0.0

    def join(self, stream: Stream) -> None:
        if not self.streams:
            self._due = asyncio.get_running_loop().time()
            self._next()
        self.streams[stream] = None

    def _next(self) -> None:
        loop = asyncio.get_running_loop()
        self._due = max(self._due + STEP, loop.time())
        loop.call_at(self._due, self._step)

    def _step(self) -> None:
        self.written += len(self.streams)
        for stream in [stream for stream in self.streams if not stream.token()]:
            self.streams.pop(stream, None)
        if self.streams:
            self._next()

    def metrics(self) -> bytes:
        lines = (
            f"vllm:num_requests_running {len(self.streams)}",
            "vllm:num_requests_waiting 0",
            f"vllm:generation_tokens_total {self.written}",
        )
        return "".join(f"{line}\n" for line in lines).encode()


class Stream:
    """One answer; ``sent`` and ``end`` are places in the text that the request stands for."""

    def __init__(self, connection: Connection, asked: dict) -> None:
        first, *said = asked["messages"]
        self.connection, self.asked = connection, asked
        self.first = int(re.findall(r"\d+", first["content"])[-1])
        given = said[-1]["content"] if said and said[-1]["role"] == "assistant" else ""
        self.begun = self.sent = len(given)
        left = asked.get("max_tokens") or asked.get("max_completion_tokens") or 16
        self.end = (len(given) // WIDTH + left) * WIDTH
        self.text = counted(self.first, self.end // WIDTH)
        self.streams = bool(asked.get("stream"))

    def begin(self) -> None:
        if self.streams:
            self.connection.transport.write(HEAD + self._chunk({"role": "assistant", "content": ""}))

    def token(self) -> bool:
        """Write the next token; returns whether there are more."""
        if self.connection.transport.is_closing():
            return False
        start, self.sent = self.sent, min(self.end, (self.sent // WIDTH + 1) * WIDTH)
        if self.streams:
            self.connection.transport.write(self._chunk({"content": self.text[start : self.sent]}))
        if self.sent < self.end:
            return True
        self._finish()
        return False

    def _finish(self) -> None:
        if not self.streams:
            message = {"role": "assistant", "content": self.text[self.begun :]}
            choice = {"index": 0, "message": message, "finish_reason": "length"}
            self.connection.answer({**self._frame(), "choices": [choice], "usage": self._usage()})
            return
        last = self._chunk({}, "length")
        if (self.asked.get("stream_options") or {}).get("include_usage"):
            last += framed({**self._frame(), "choices": [], "usage": self._usage()})
        self.connection.transport.write(last + chunked(b"data: [DONE]\n\n") + b"0\r\n\r\n")

    def _usage(self) -> dict[str, int]:
        written = (self.end - self.begun + WIDTH - 1) // WIDTH
        return {"prompt_tokens": 12, "completion_tokens": written, "total_tokens": 12 + written}

    def _frame(self) -> dict:
        kind = "chat.completion.chunk" if self.streams else "chat.completion"
        return {"id": f"chatcmpl-{self.first}", "object": kind, "created": 1, "model": self.asked["model"]}

    def _chunk(self, delta: dict, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return framed({**self._frame(), "choices": [choice]})


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, engine: Engine, model: str) -> None:
        self.engine, self.model = engine, model
        self.stream: Stream | None = None

    def connection_made(self, transport) -> None:
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)
        self.on_message_begin()

    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.close()

    def connection_lost(self, exc) -> None:
        if self.stream is not None:
            self.engine.streams.pop(self.stream, None)

    def on_message_begin(self) -> None:
        self.url, self.body = b"", b""

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.keeps = self.parser.should_keep_alive()
        if self.url.endswith(b"/chat/completions"):
            self.stream = Stream(self, json.loads(self.body))
            self.stream.begin()
            self.engine.join(self.stream)
        elif self.url.endswith(b"/models"):
            self.answer({"object": "list", "data": [{"id": self.model, "object": "model"}]})
        elif self.url.endswith(b"/metrics"):
            self.reply(200, b"text/plain", self.engine.metrics())
        else:
            self.answer({"error": {"message": "There is nothing here."}}, 404)

    def answer(self, said: dict, status: int = 200) -> None:
        self.reply(status, b"application/json", json.dumps(said).encode())

    def reply(self, status: int, kind: bytes, body: bytes) -> None:
        head = b"HTTP/1.1 %d Said\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n"
        self.transport.write(head % (status, kind, len(body)) + body)
        if not self.keeps:
            self.transport.close()


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def framed(event: dict) -> bytes:
    return chunked(b"data: " + json.dumps(event, separators=(",", ":")).encode() + b"\n\n")


async def main(host: str, port: int, model: str) -> None:
    loop, engine = asyncio.get_running_loop(), Engine()
    server = await loop.create_server(functools.partial(Connection, engine, model), host, port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--served-model-name", default="chaos/counter")
    given = parser.parse_known_args()[0]
    uvloop.run(main(given.host, given.port, given.served_model_name))
