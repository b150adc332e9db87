"""The routes of files and batches, as OpenAI has them, on the socket of the process that runs batches."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import orjson
from tornado.iostream import StreamClosedError
from tornado.web import Application, HTTPError, RequestHandler, stream_request_body

from first_jupyter_server.errors import ApiError

from .asked import Wanted, max_cost, seconds
from .batches import Batches
from .limits import MAX_FORM, MAX_UPLOADS, too_large
from .objects import Json, file, new_id, page
from .quota import Quota
from .refusing import Refusing
from .upload import Upload

__all__ = ["application", "unusable"]

PIECE = 2**18
"""Bytes that are read from the disk at a time."""

MOST_LISTED = 10_000


class Handler(RequestHandler):
    """Answers in OpenAI's shape; who may ask was decided before."""

    def initialize(self, batches: Batches) -> None:
        """Keep the batches."""
        self.batches = batches

    def set_default_headers(self) -> None:
        """Answer in JSON."""
        self.set_header("Content-Type", "application/json")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say what happened."""
        error = _as_api_error(status_code, (kwargs.get("exc_info") or (None, None, None))[1])
        self.set_status(error.status)
        for name, value in error.headers().items():
            self.set_header(name, value)
        self.finish(error.body())

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log no error that is an answer."""
        if not isinstance(value, ApiError | HTTPError | sqlite3.Error | OSError):
            super().log_exception(typ, value, tb)

    def body(self) -> Any:
        """Return the request's JSON."""
        try:
            return orjson.loads(self.request.body or b"{}")
        except orjson.JSONDecodeError as error:
            raise ApiError(400, f"The body is not valid JSON: {error}.", code="invalid_json") from None

    def limit(self, usual: int) -> int:
        """Return how many entries a list shall have."""
        stated = self.get_query_argument("limit", str(usual))
        if not stated.isdecimal() or not 1 <= int(stated) <= MOST_LISTED:
            message = f"'limit' must be a number from 1 to {MOST_LISTED}, not {stated!r}."
            raise ApiError(400, message, code="invalid_value", param="limit")
        return int(stated)

    async def known(self, identity: str) -> Json:
        """Return a file's entry."""
        found = await self.batches.books.file(identity)
        if found is None:
            message = f"There is no file {identity!r}; client.files.list() has those that there are."
            raise ApiError(404, message, code="not_found", param="file_id")
        return {"expires_at": None, "status_details": None, **found}


@stream_request_body
class Files(Refusing, Handler):
    """Takes files, and lists them."""

    _upload: Upload | None = None

    def initialize(self, batches: Batches, quota: Quota) -> None:  # type: ignore[override]
        """Keep what there is, and how much there may be."""
        super().initialize(batches)
        self._quota = quota

    async def prepare(self) -> None:
        """Look at the head of an upload before its body comes."""
        if self.request.method != "POST":
            return
        length = int(self.request.headers.get("Content-Length", "0"))
        if length > MAX_FORM:
            self.refuse(too_large())
            return
        self.request.connection.set_max_body_size(MAX_FORM)  # type: ignore[union-attr]
        self._id = new_id("file")
        path = self.batches.folder.file(self._id)
        try:
            await asyncio.to_thread(self._quota.begin, length)
            self._upload = Upload(self.request.headers.get("Content-Type", ""), path)
        except (ApiError, OSError) as error:
            self.refuse(_as_api_error(500, error))

    async def data_received(self, chunk: bytes) -> None:
        """Write a piece; no more is read until it is written."""
        if self._upload is None or self.refusal is not None:
            return
        try:
            self._quota.take(len(chunk))
            await asyncio.to_thread(self._upload.feed, chunk)
        except (ApiError, OSError) as error:
            self.refuse(_as_api_error(500, error))

    async def post(self) -> None:
        """Enter the file."""
        if self.refusal is not None:
            raise self.refusal
        upload = self._upload
        assert upload is not None  # noqa: S101  # prepare() made it
        await asyncio.to_thread(upload.finish)
        made = file(Path(upload.filename).name, upload.size, "batch", self._id)
        await self.batches.books.add_file(made)
        self._upload = None
        self.finish(made)

    async def get(self) -> None:
        """List files."""
        limit, order = self.limit(MOST_LISTED), self.get_query_argument("order", "desc")
        if order not in ("asc", "desc"):
            raise ApiError(400, "'order' must be asc or desc.", code="invalid_value", param="order")
        after, purpose = self.get_query_argument("after", None), self.get_query_argument("purpose", None)
        found = await self.batches.books.files(limit + 1, after, order, purpose)
        self.finish(page([{"expires_at": None, "status_details": None, **each} for each in found], limit))

    def on_finish(self) -> None:
        """Drop what came of an upload that failed."""
        if self._upload is not None:
            self._upload.close()

    def on_connection_close(self) -> None:
        """Drop what came of an upload that was broken off."""
        super().on_connection_close()
        self.on_finish()


class File(Handler):
    """One file."""

    async def get(self, identity: str) -> None:
        """Tell of it."""
        self.finish(await self.known(identity))

    async def delete(self, identity: str) -> None:
        """Remove it."""
        await self.batches.remove_file(identity)
        self.finish({"id": identity, "object": "file", "deleted": True})


class Content(Handler):
    """What is in a file."""

    async def get(self, identity: str) -> None:
        """Send it, piece by piece."""
        await self.known(identity)
        path = self.batches.folder.file(identity)
        with await asyncio.to_thread(path.open, "rb") as content:
            self.set_header("Content-Type", "application/octet-stream")
            self.set_header("Content-Length", str(path.stat().st_size))
            while piece := await asyncio.to_thread(content.read, PIECE):
                self.write(piece)
                try:
                    await self.flush()
                except StreamClosedError:
                    return


class AllBatches(Handler):
    """Makes batches, and lists them."""

    async def post(self) -> None:
        """Make one."""
        self.finish(await self.batches.create(Wanted.read(self.body(), self.request.headers)))

    async def get(self) -> None:
        """List them."""
        limit = self.limit(20)
        found = await self.batches.page(limit + 1, self.get_query_argument("after", None))
        self.finish(page(found, limit))


class Batch(Handler):
    """One batch."""

    async def get(self, identity: str) -> None:
        """Tell of it."""
        self.finish(await self.batches.get(identity))


class Cancel(Handler):
    """Cancels a batch."""

    async def post(self, identity: str) -> None:
        """Cancel it."""
        self.finish(await self.batches.cancel(identity))


class Resume(Handler):
    """Takes up a batch that was cancelled or has expired."""

    async def post(self, identity: str) -> None:
        """Take it up, with its ``completion_window`` beginning anew, perhaps with another ``max_cost``."""
        window = (await self.batches.get(identity))["completion_window"]
        self.finish(await self.batches.resume(identity, seconds(window), max_cost(self.body())))


class Nothing(Handler):
    """All else."""

    def prepare(self) -> None:
        """Say what there is."""
        message = (
            f"There is no {self.request.method} {self.request.path}. There are files, files/ID, "
            "files/ID/content, batches, batches/ID, batches/ID/cancel and batches/ID/resume."
        )
        raise ApiError(404, message, code="not_found")


def application(batches: Batches, max_uploads: int = MAX_UPLOADS) -> Application:
    """Return the routes."""
    given = {"batches": batches}
    quota = Quota(lambda: batches.folder.size(), max_uploads)  # noqa: PLW0108  # the routes alone need none
    routes: list[Any] = [
        (r"/first/v1/files", Files, {**given, "quota": quota}),
        (r"/first/v1/files/([^/]+)", File, given),
        (r"/first/v1/files/([^/]+)/content", Content, given),
        (r"/first/v1/batches", AllBatches, given),
        (r"/first/v1/batches/([^/]+)", Batch, given),
        (r"/first/v1/batches/([^/]+)/cancel", Cancel, given),
        (r"/first/v1/batches/([^/]+)/resume", Resume, given),
        (r".*", Nothing, given),
    ]
    return Application(routes, log_function=lambda _: None)


class Unusable(RequestHandler):
    """Says why there are no files and batches."""

    def initialize(self, error: OSError) -> None:
        """Keep the reason."""
        self._error = error

    def prepare(self) -> None:
        """Say it."""
        refusal = _as_api_error(500, self._error)
        self.set_status(refusal.status)
        self.set_header("Content-Type", "application/json")
        self.finish(refusal.body())


def unusable(error: OSError) -> Application:
    """Return routes that say why nothing can be kept."""
    return Application([(r".*", Unusable, {"error": error})], log_function=lambda _: None)


def _as_api_error(status: int, cause: BaseException | None) -> ApiError:
    match cause:
        case ApiError():
            return cause
        case sqlite3.Error() | OSError():
            message = f"It cannot be written or read here: {cause}. Free some space on that disk, or mend it."
            return ApiError(507, message, kind="server_error", code="storage")
        case _:
            said = cause.log_message if isinstance(cause, HTTPError) else None
            what = said or "Something went wrong with this request; the server's log says what."
            return ApiError(status, what, kind="server_error", code="batch_error")
