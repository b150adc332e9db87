"""A fake inference server: vLLM's wire format, no model, and every token says when it was sent.

Run ``python benchmarks/upstream.py``; the first line it prints is its port. A request's body may carry
``x_tokens``, ``x_delay_ms`` between tokens and ``x_ttft_ms`` before the first one. Streams with the same
delay get their tokens in the same tick, as the sequences of one engine step do. ``GET /streams`` tells how
many streams are being written; ``GET /streams/end`` ends them.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import gc
import json
import time
from typing import Any, cast

import httptools
import uvloop

MODEL = "bench/fake"

_ROLE = {"role": "assistant", "content": ""}
_INDEX_DIGITS, _STAMP_DIGITS = 6, 19


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _chunk(delta: dict[str, str], **more: Any) -> bytes:
    """Return one event of a stream, without its closing blank line."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None, "token_ids": None}
    event = {
        "id": "chatcmpl-0123456789abcdef0123456789abcdef",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": MODEL,
        "choices": [choice],
        **more,
    }
    return b"data: " + _json(event)


def _http_chunk(event: bytes) -> bytes:
    return b"%x\r\n%b\n\n\r\n" % (len(event) + 2, event)


# The stamp is part of the text, which a proxy that writes each event anew keeps.
_TOKEN = _chunk({"content": f" {'N' * _INDEX_DIGITS} {'T' * _STAMP_DIGITS}"})
_INDEX = slice(_TOKEN.index(b"N" * _INDEX_DIGITS), _TOKEN.index(b"N" * _INDEX_DIGITS) + _INDEX_DIGITS)
_STAMP = slice(_TOKEN.index(b"T" * _STAMP_DIGITS), _TOKEN.index(b"T" * _STAMP_DIGITS) + _STAMP_DIGITS)
_BEFORE, _REST = _http_chunk(_TOKEN).split(b"N" * _INDEX_DIGITS)
_BETWEEN, _AFTER = _REST.split(b"T" * _STAMP_DIGITS)

_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
)
_DONE = _http_chunk(b"data: [DONE]") + b"0\r\n\r\n"


def token_chunk(index: int, sent_ns: int) -> bytes:
    """Return one token as an HTTP chunk."""
    return b"%b%06d%b%019d%b" % (_BEFORE, index, _BETWEEN, sent_ns, _AFTER)


def read_token(event: bytes) -> tuple[int, int] | None:
    """Return a token's index and send time from its event, or None for any other event."""
    if len(event) == len(_TOKEN) and event.startswith(_TOKEN[: _INDEX.start]):
        return int(event[_INDEX]), int(event[_STAMP])
    return _read_rewritten(event)


def _read_rewritten(event: bytes) -> tuple[int, int] | None:
    """Read a token from an event that a proxy has written anew."""
    if not event.startswith(b"data: {"):
        return None
    choices = json.loads(event[len(b"data: ") :]).get("choices") or [{}]
    words = ((choices[0].get("delta") or {}).get("content") or "").split()
    return (int(words[0]), int(words[1])) if words else None


def usage(tokens: int) -> dict[str, int]:
    """Return OpenAI's usage object."""
    return {"prompt_tokens": 12, "completion_tokens": tokens, "total_tokens": 12 + tokens}


@functools.cache
def answer(tokens: int) -> bytes:
    """Return a whole chat completion."""
    text = "".join(f" {index:06d}" for index in range(tokens))
    choice = {"index": 0, "message": {**_ROLE, "content": text}, "logprobs": None, "finish_reason": "stop"}
    head = {"id": "chatcmpl-0123456789abcdef", "object": "chat.completion", "created": 1700000000}
    return _json({**head, "model": MODEL, "choices": [choice], "usage": usage(tokens)})


class Step:
    """An engine's step: every ``delay`` seconds each of its streams gets one token."""

    def __init__(self, delay: float) -> None:
        self.loop = asyncio.get_running_loop()
        self.delay = delay
        self.streams: dict[Stream, None] = {}
        self.due = 0.0

    def join(self, stream: Stream) -> None:
        """Let ``stream`` have its tokens from the next tick on."""
        if not self.streams:
            self.due = self.loop.time() + self.delay
            self.loop.call_at(self.due, self._tick)
        self.streams[stream] = None

    def _tick(self) -> None:
        for stream in list(self.streams):
            if not stream.token():
                del self.streams[stream]
        if self.streams:
            self.due = max(self.due + self.delay, self.loop.time())
            self.loop.call_at(self.due, self._tick)


@functools.cache
def step(delay: float) -> Step:
    """Return the one step with this delay."""
    return Step(delay)


running: set[Stream] = set()
"""The streams that are being written."""


class Stream:
    """One streamed answer."""

    def __init__(self, transport: asyncio.Transport, body: dict[str, Any]) -> None:
        self.transport = transport
        self.tokens = int(body.get("x_tokens", 16))
        self.delay = float(body.get("x_delay_ms", 0)) / 1000
        self.with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        self.sent = 0
        self.cancelled = False
        running.add(self)

    def begin(self) -> None:
        """Send the head and the role; the first token follows in a write of its own."""
        if self.cancelled:
            return
        self.transport.write(_STREAM_HEAD + _http_chunk(_chunk(_ROLE)))
        asyncio.get_running_loop().call_soon(self._first)

    def _first(self) -> None:
        if self.token():
            step(self.delay).join(self)

    def token(self) -> bool:
        """Send the next token; False when there is none left."""
        if self.cancelled:
            return False
        self.transport.write(token_chunk(self.sent, time.monotonic_ns()))
        self.sent += 1
        if self.sent < self.tokens:
            return True
        tail = _http_chunk(_chunk({}, choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]))
        if self.with_usage:
            tail += _http_chunk(_chunk({}, choices=[], usage=usage(self.tokens)))
        self.transport.write(tail + _DONE)
        running.discard(self)
        return False

    def cancel(self) -> None:
        """Write no more."""
        self.cancelled = True
        running.discard(self)


class Connection(asyncio.Protocol):
    """One client's connection."""

    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; the parser serves all messages of the connection."""
        self.transport = cast("asyncio.Transport", transport)
        self.parser = httptools.HttpRequestParser(self)
        self.stream: Stream | None = None
        self.url = b""
        self.body = b""

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        """Stop the stream that nobody reads any more."""
        if self.stream:
            self.stream.cancel()

    def on_url(self, url: bytes) -> None:
        """Collect the target."""
        self.url += url

    def on_body(self, body: bytes) -> None:
        """Collect the body."""
        self.body += body

    def on_message_complete(self) -> None:
        """Answer the request."""
        url, body, self.url, self.body = self.url, self.body, b"", b""
        if url.endswith(b"/chat/completions"):
            self._complete(json.loads(body))
        elif url.endswith(b"/models"):
            model = {"id": MODEL, "object": "model", "created": 1700000000, "max_model_len": 8192}
            self._reply(b"200 OK", _json({"object": "list", "data": [model]}))
        elif url == b"/health":
            self._reply(b"200 OK", b"{}")
        elif url.startswith(b"/streams"):
            self._reply(b"200 OK", _json({"streams": len(running)}))
            if url == b"/streams/end":
                for stream in list(running):
                    stream.transport.abort()
        else:
            self._reply(b"404 Not Found", _json({"error": {"message": f"no {url.decode()} here"}}))

    def _complete(self, body: dict[str, Any]) -> None:
        if body.get("stream"):
            self.stream = Stream(self.transport, body)
            begin = self.stream.begin
        else:
            begin = functools.partial(self._reply, b"200 OK", answer(int(body.get("x_tokens", 16))))
        if wait := float(body.get("x_ttft_ms", 0)) / 1000:
            asyncio.get_running_loop().call_later(wait, begin)
        else:
            begin()

    def _reply(self, status: bytes, body: bytes) -> None:
        head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        self.transport.write(head % (status, len(body)) + body)


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    gc.freeze()
    gc.disable()
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    uvloop.run(main(parser.parse_args().port))
