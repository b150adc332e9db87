"""A request for files or batches, passed on to the process that has them; both ways as it comes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from first_jupyter_server.errors import ApiError

from . import headers as forwarded
from .pool import Pool
from .upstream import UpstreamConnection

if TYPE_CHECKING:
    from .downstream import Connection
    from .request import Request

__all__ = ["Passing"]

MOST_WAITING = 2**18
"""Bytes that wait until there is a connection to that process."""


class Passing:
    """One such request.

    Parameters
    ----------
    socket
        Where that process listens.
    request
        The request's head.
    wishes
        Headers that say where its sender's requests may go.
    connection
        The client's.
    """

    def __init__(
        self, socket: str, request: Request, wishes: forwarded.Headers, connection: Connection
    ) -> None:
        self._client = connection
        connection.attach(self)
        self._waiting: list[bytes] = [self._head(request, wishes)]
        self._chunked = b"content-length" not in request.headers and request.method == "POST"
        self._upstream: _Upstream | None = None
        self._has_head = self._over = False
        self._chunks_back = False
        self._dialing = asyncio.get_running_loop().create_task(self._dial(socket))

    @staticmethod
    def _head(request: Request, wishes: forwarded.Headers) -> bytes:
        kept = [
            (name, value)
            for name, value in request.headers.items()
            if name in (b"content-type", b"content-length", b"accept", b"x-request-id")
        ]
        if b"content-length" not in request.headers and request.method == "POST":
            kept.append((b"transfer-encoding", b"chunked"))
        lines = [b"%b: %b\r\n" % header for header in (*kept, *wishes)]
        first = b"%b %b HTTP/1.1\r\nhost: batches\r\nconnection: close\r\n"
        return first % (request.method.encode(), request.path.encode("latin-1")) + b"".join(lines) + b"\r\n"

    # the request's body

    def take(self, data: bytes) -> None:
        """Pass a piece of the body on."""
        if data:
            self._write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    def end(self) -> None:
        """Pass on that the body is whole."""
        if self._chunked:
            self._write(b"0\r\n\r\n")

    def _write(self, data: bytes) -> None:
        if self._upstream is not None:
            self._upstream.transport.write(data)
        elif not self._over:
            self._waiting.append(data)
            if sum(map(len, self._waiting)) > MOST_WAITING:
                self._client.transport.pause_reading()

    async def _dial(self, socket: str) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, made = await loop.create_unix_connection(lambda: _Upstream(self), socket)
        except OSError:
            self.on_lost(reused=False)
            return
        self._upstream = upstream = made
        upstream.send(b"".join(self._waiting), self)
        self._waiting.clear()
        self._client.transport.resume_reading()

    # the answer

    def on_head(self, status: int, headers: forwarded.Headers) -> None:
        """Pass the answer's head on."""
        kept = [header for header in headers if header[0] not in (b"connection", b"date", b"server")]
        self._has_head = True
        self._chunks_back = any(name == b"transfer-encoding" for name, _ in kept)
        self._client.write(self._client.head(status, kept))

    def on_data(self, data: bytes) -> None:
        """Pass a piece of the answer on."""
        self._client.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunks_back else data)

    def on_end(self) -> None:
        """End the answer."""
        self._over = True
        if self._chunks_back:
            self._client.write(b"0\r\n\r\n")
        # The answer may be here before the word that there is room for more of the body.
        self.on_upload_possible()
        self._client.finish()

    def on_lost(self, reused: bool) -> None:
        """Say so, where there is still something to be said."""
        if self._over:
            return
        self._over = True
        if self._has_head:
            self._client.abort()
            return
        message = "The process that has files and batches is being started again. Ask once more."
        error = ApiError(503, message, kind="service_unavailable", code="batches_restart", retry_after=1.0)
        self._client.respond(
            error.status, {"content-type": "application/json", **error.headers()}, error.body()
        )

    # either side does not keep up, or leaves

    def on_upload_blocked(self) -> None:
        """Take no more of the body until the other side has caught up."""
        self._client.transport.pause_reading()

    def on_upload_possible(self) -> None:
        """Take more."""
        self._client.transport.resume_reading()

    def on_write_blocked(self) -> None:
        """Take no more of the answer until the client has caught up."""
        if self._upstream is not None:
            self._upstream.pause_reading()

    def on_write_possible(self) -> None:
        """Take more."""
        if self._upstream is not None:
            self._upstream.resume_reading()

    def on_client_gone(self) -> None:
        """Hang up."""
        self._over = True
        self._dialing.cancel()
        if self._upstream is not None:
            self._upstream.abort()


class _Upstream(UpstreamConnection):
    """A connection for one request alone, which says when too much of it waits."""

    def __init__(self, passing: Passing) -> None:
        super().__init__(Pool("batches", 0))
        self._passing = passing

    def pause_writing(self) -> None:
        """Pass the word on."""
        self._passing.on_upload_blocked()

    def resume_writing(self) -> None:
        """Pass the word on."""
        self._passing.on_upload_possible()
