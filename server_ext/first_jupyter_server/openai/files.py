"""Uploads on Jupyter's own port: they go on to the process of batches as they come."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from tornado.httputil import parse_response_start_line
from tornado.web import stream_request_body

from first_jupyter_server.auth.handler import guarded
from first_jupyter_server.batch.limits import MAX_FORM, too_large
from first_jupyter_server.batch.refusing import Refusing
from first_jupyter_server.errors import ApiError

from .handlers import ForwardHandler

__all__ = ["default_handlers"]


@stream_request_body
class FilesHandler(Refusing, ForwardHandler):
    """Takes uploads, and lists files."""

    _reader: asyncio.StreamReader | None = None
    _writer: asyncio.StreamWriter | None = None

    async def prepare(self) -> None:  # type: ignore[override]  # as in jupyter_server's own APIHandler
        """Let nobody upload who may not, nor more than is taken."""
        await super().prepare()
        if self.request.method == "POST":
            try:
                await self._begin()
            except ApiError as error:
                self.refuse(error)

    async def _begin(self) -> None:
        await self.admit()
        length = self.request.headers.get("Content-Length", "")
        if not length.isdecimal():
            message = "An upload has to say how large it is: the header Content-Length is missing."
            raise ApiError(411, message, code="length_required")
        if int(length) > MAX_FORM:
            raise too_large()
        self.request.connection.set_max_body_size(MAX_FORM)  # type: ignore[union-attr]
        try:
            self._reader, self._writer = await asyncio.open_unix_connection(self.first.batches.path)
        except OSError:
            message = "There are no batches on this server; its log says why."
            raise ApiError(503, message, kind="service_unavailable", code="no_batches") from None
        content_type = self.request.headers.get("Content-Type", "")
        head = (
            f"POST /first/v1/files HTTP/1.1\r\nHost: batches\r\nConnection: close\r\n"
            f"Content-Length: {length}\r\nContent-Type: {content_type}\r\n\r\n"
        )
        self._writer.write(head.encode("latin-1", "replace"))

    async def data_received(self, chunk: bytes) -> None:
        """Pass a piece on; no more is read until it is on its way."""
        if self._writer is not None:
            with contextlib.suppress(ConnectionError):  # an answer that came early says why
                self._writer.write(chunk)
                await self._writer.drain()

    @guarded
    async def post(self, path: str) -> None:
        """Pass the answer back."""
        if self.refusal is not None:
            raise self.refusal
        assert self._reader is not None  # noqa: S101  # prepare() opened it
        head, _, body = (await self._reader.read()).partition(b"\r\n\r\n")
        self._hang_up()
        if not head:
            message = "The process that has files and batches is being started again. Ask once more."
            raise ApiError(503, message, kind="service_unavailable", code="batches_restart", retry_after=1.0)
        self.set_status(parse_response_start_line(head.split(b"\r\n")[0].decode("latin-1")).code)
        self.finish(body)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say that nothing can follow on this connection: tornado ends it where a body was not read."""
        self.set_header("Connection", "close")
        super().write_error(status_code, **kwargs)

    def on_connection_close(self) -> None:
        """Break the upload off."""
        super().on_connection_close()
        self._hang_up()

    def _hang_up(self) -> None:
        if self._writer is not None:
            self._writer.close()


default_handlers: list[tuple[str, type[Any]]] = [(r"/first/(v1/files)", FilesHandler)]
