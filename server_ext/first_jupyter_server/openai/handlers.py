"""The OpenAI surface on Jupyter's own port: a thin authenticated route into the data plane."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tornado.iostream import StreamClosedError

from first_jupyter_server.auth import key as keys
from first_jupyter_server.auth.handler import FirstHandler, guarded
from first_jupyter_server.dataplane.pool import Pool
from first_jupyter_server.dataplane.upstream import UpstreamConnection, request_bytes
from first_jupyter_server.errors import ApiError

if TYPE_CHECKING:
    from first_jupyter_server.extension import FirstApp

__all__ = ["ForwardHandler", "default_handlers"]

MOST_PENDING = 65_536
"""Bytes of an answer that may wait for a slow client."""

_PASSED_ON = (
    *("accept", "content-type", "x-request-id"),
    *("x-first-wait", "x-first-avoid", "x-first-prefer", "x-first-stay"),
)
_OURS = (b"connection", b"keep-alive", b"transfer-encoding", b"content-length", b"date", b"server")


class ForwardHandler(FirstHandler):
    """Forwards a request into the data plane and its answer back, as it comes."""

    def initialize(self, first: FirstApp) -> None:
        """Start with no answer."""
        super().initialize(first)
        self._upstream: UpstreamConnection | None = None
        self._news = asyncio.Event()
        self._pieces: list[bytes] = []
        self._pending = 0
        self._held_back = False
        self._is_events = False
        self._has_head = False
        self._ended = False
        self._lost = False
        self._gone = False

    async def prepare(self) -> None:  # type: ignore[override]  # as in jupyter_server's own APIHandler
        """Refuse a body that is too large before anything else is done with it."""
        await super().prepare()
        limit = self.first.max_body
        if len(self.request.body) > limit:
            size = len(self.request.body) / 2**20
            message = f"The body is {size:.0f} MB; at most {limit / 2**20:.0f} MB are accepted."
            raise ApiError(413, message, code="body_too_large")

    @guarded
    async def get(self, path: str) -> None:
        """Forward."""
        await self._forward(path)

    @guarded
    async def post(self, path: str) -> None:
        """Forward."""
        await self._forward(path)

    @guarded
    async def delete(self, path: str) -> None:
        """Forward."""
        await self._forward(path)

    async def _forward(self, path: str) -> None:
        await self._send(path)
        while True:
            await self._news.wait()
            self._news.clear()
            if self._gone:
                return
            if self._lost and not self._has_head:
                # Nothing has been sent on, so it can be asked again: the socket outlives the child.
                self._lost = False
                await self._send(path)
                continue
            if self._pieces and not await self._flush():
                return
            if self._lost:
                self._say_cut_short()
            if self._lost or self._ended:
                break
        self.finish(set_content_type=self._headers.get("Content-Type", "application/json"))

    async def _send(self, path: str) -> None:
        label = keys.label(keys.bearer(self.request.headers.get("Authorization"))) if self.holds_key else ""
        headers = [(b"authorization", b"Bearer " + keys.labelled(self.first.key, label).encode())]
        headers += [
            (name.encode(), self.request.headers[name].encode("latin-1", "replace"))
            for name in _PASSED_ON
            if name in self.request.headers
        ]
        pool: Pool = self.first.to_dataplane
        connection = pool.take() or await pool.dial()
        if self._gone:
            connection.abort()
            return
        self._upstream = connection
        method = self.request.method or "GET"
        query = f"?{self.request.query}" if self.request.query else ""
        target = f"/first/{path}{query}"
        connection.send(request_bytes(method, target, "127.0.0.1", headers, self.request.body), self)

    async def _flush(self) -> bool:
        """Write what has come; returns whether the client is still there."""
        pieces, self._pieces, self._pending = self._pieces, [], 0
        self.write(b"".join(pieces))
        try:
            await self.flush()
        except StreamClosedError:
            self.on_connection_close()
            return False
        if self._held_back and self._upstream is not None and not (self._ended or self._lost):
            self._held_back = False
            self._upstream.resume_reading()
        return True

    def _say_cut_short(self) -> None:
        message = "The answer is incomplete: the data plane was restarted. Ask again for a whole one."
        error = ApiError(502, message, kind="server_error", code="answer_cut_short")
        if self._is_events:
            self.write(b"\n\n" + error.event())
        else:
            raise error

    # what the data plane says

    def on_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Take the head; it leaves with the first bytes of the body."""
        self._has_head = True
        self.set_status(status)
        for name, value in headers:
            if name not in _OURS:
                self.set_header(name.decode("latin-1"), value.decode("latin-1"))
        self._is_events = self._headers.get("Content-Type", "").startswith("text/event-stream")
        # Tornado leaves Nagle's algorithm on while it streams; it would hold tokens back by up to 40 ms.
        self.request.connection.stream.set_nodelay(True)  # type: ignore[union-attr]

    def on_data(self, data: bytes) -> None:
        """Take a piece; take no more while too much waits for the client."""
        self._pieces.append(data)
        self._pending += len(data)
        if self._pending > MOST_PENDING and self._upstream is not None:
            self._held_back = True
            self._upstream.pause_reading()
        self._news.set()

    def on_end(self) -> None:
        """Take note of the end."""
        self._ended = True
        self._news.set()

    def on_lost(self, reused: bool) -> None:
        """Take note that the data plane went away."""
        self._lost = True
        self._news.set()

    # what the client does

    def on_connection_close(self) -> None:
        """Free the model at once; tornado itself would let the handler run on."""
        super().on_connection_close()
        self._gone = True
        if self._upstream is not None and not self._ended:
            self._upstream.abort()
        self._news.set()


default_handlers: list[tuple[str, type[Any]]] = [
    (r"/first/(v1/.+)", ForwardHandler),
    (r"/first/(api/events|api/why)", ForwardHandler),
]
