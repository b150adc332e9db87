"""A yardstick, the plainest proxy in Python: it reads HTTP on both sides and passes it on.

``python benchmarks/relay.py PORT`` prints its own port. What ours costs beyond it is what ours does: it
checks keys and limits, decides where to, watches for faults, counts tokens, and keeps books and a log.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from typing import cast

import httptools
import uvloop

_HEAD = b"POST %b HTTP/1.1\r\nhost: upstream\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


class Upstream(asyncio.Protocol):
    """A connection to the upstream, for one client at a time."""

    transport: asyncio.Transport
    client: Client | None = None

    def __init__(self, idle: list[Upstream]) -> None:
        self._idle = idle
        self._parser = httptools.HttpResponseParser(self)
        self.seen = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Read what came, and pass it on as it is."""
        client = self.client
        self._parser.feed_data(data)
        if client:
            client.transport.write(data)

    def on_body(self, body: bytes) -> None:
        """Count what came."""
        self.seen += len(body)

    def on_message_complete(self) -> None:
        """Wait for the next client."""
        if self.client:
            self.client.upstream = None
        self.client = None
        self._idle.append(self)


class Client(asyncio.Protocol):
    """A client's connection."""

    transport: asyncio.Transport
    upstream: Upstream | None = None

    def __init__(self, port: int, idle: list[Upstream]) -> None:
        self._port, self._idle = port, idle
        self._url = self._body = b""
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Read what came."""
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        """Collect the target."""
        self._url += url

    def on_body(self, body: bytes) -> None:
        """Collect the body."""
        self._body += body

    def on_message_complete(self) -> None:
        """Ask the upstream."""
        self._asking = asyncio.ensure_future(self._ask(self._url, self._body))
        self._url = self._body = b""

    async def _ask(self, url: bytes, body: bytes) -> None:
        assert json.loads(body)["model"]
        if self._idle:
            upstream = self._idle.pop()
        else:
            loop = asyncio.get_running_loop()
            _, upstream = await loop.create_connection(lambda: Upstream(self._idle), "127.0.0.1", self._port)
        self.upstream, upstream.client = upstream, self
        upstream.transport.write(_HEAD % (url, len(body)) + body)

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave the upstream."""
        if self.upstream:
            self.upstream.transport.abort()


async def main(port: int) -> None:
    idle: list[Upstream] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Client(port, idle), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    gc.freeze()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
