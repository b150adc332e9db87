"""The life of one batch: validated, answered, written out; and taken up again where it was left."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Sequence
from functools import partial
from typing import Protocol

from .books import Books
from .checkpoints import AGAIN, Checkpoints, until_written
from .executor import Executor
from .folder import Folder
from .objects import Json, counts_of, file, new_id
from .output import EXPIRED, Written, write
from .pace import Pace
from .purse import Purse
from .rows import Result, Rows, Tally, used
from .source import Source
from .validation import Report, validate

__all__ = ["Here", "Run"]

TOLD_EVERY = 1.0
"""Seconds between two notes of how far a batch is."""


class Here(Protocol):
    """What a batch finds around it."""

    books: Books
    folder: Folder

    def resolve(self, model: str) -> str:
        """Return the id of the model that a name means; raises ``ApiError`` where there is none."""

    async def knows_models(self) -> None:
        """Return once it is known which models there are."""

    def executor(self, batch: Json) -> Executor:
        """Return who answers a batch's rows."""

    def tell(self, batch: Json) -> None:
        """Take note of a batch's news."""

    def used(self, sums: list[Json]) -> None:
        """Take note of what rows have cost."""


class Run:
    """One batch under way.

    Parameters
    ----------
    batch
        It, as it stands in the books.
    here
        What it finds around it.
    """

    def __init__(self, batch: Json, here: Here) -> None:
        self.id: str = batch["id"]
        self.batch = batch
        self._here = here
        self._rows = Rows(here.folder.rows(self.id))
        self._input = here.folder.file(batch["input_file_id"])
        self._stop = asyncio.Event()
        self._pace = Pace(time.monotonic)
        self._end: str | None = None

    def cancel(self) -> None:
        """Have it end with what there is."""
        self._stop.set()

    async def live(self) -> None:
        """See it through.

        Raises
        ------
        OSError, sqlite3.Error
            Where its files cannot be read; it is to be taken up again.
        """
        try:
            await self._live()
        except (OSError, sqlite3.Error) as error:
            with contextlib.suppress(OSError, sqlite3.Error):
                reason = f"Its files cannot be read ({error}); it is tried again."
                await self._here.books.patch(self.id, {"first": {"reason": reason}})
            await asyncio.sleep(AGAIN)
            raise
        finally:
            self._rows.close()

    async def _live(self) -> None:
        if self.batch["status"] == "validating":
            await self._validate()
        if self.batch["status"] == "in_progress":
            await self._answer()
        if self.batch["status"] in ("finalizing", "cancelling"):
            await self._write_out()

    # before

    async def _validate(self) -> None:
        await self._here.knows_models()
        try:
            report = await asyncio.to_thread(
                validate, self._input, self.batch["endpoint"], self._here.resolve
            )
        except OSError as error:
            report = Report(errors=[_unreadable(error)])
        now = int(time.time())
        if report.errors:
            errors = {"object": "list", "data": report.errors}
            await self._becomes("failed", {"errors": errors, "failed_at": now}, only=["validating"])
        else:
            news = {"model": report.model, "in_progress_at": now, "request_counts": {"total": report.total}}
            await self._becomes("in_progress", news, only=["validating"])

    # the rows

    async def _answer(self) -> None:
        done, tally = await asyncio.to_thread(self._rows.done)
        checkpoints = Checkpoints(self._rows, tally, self._used)
        executor = self._here.executor(self.batch)
        source = Source(self._input, done)
        purse = Purse(self.batch["first"].get("max_cost"), tally, source.take, checkpoints.give)
        work = asyncio.create_task(executor.run(purse.take, purse.give))
        keeping = asyncio.create_task(checkpoints.keep())
        stopped = asyncio.create_task(self._stop.wait())
        ended = False
        try:
            while not keeping.done():
                await self._note(executor, checkpoints)
                await asyncio.wait(
                    [keeping] if ended else [work, stopped],
                    timeout=TOLD_EVERY,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if not ended and (work.done() or self._is_over()):
                    ended = True
                    await _end(work)
                    checkpoints.end()
        finally:
            stopped.cancel()
            await _end(work)
            checkpoints.end()
            await keeping
        if not work.cancelled():
            work.result()
        news = self._news(tally)
        now = int(time.time())
        if purse.is_empty and tally.completed + tally.failed < self.batch["request_counts"]["total"]:
            self._end = f"max_cost, {self.batch['first']['max_cost']:,} tokens, is used up."
            await self._becomes("cancelling", {**news, "cancelling_at": now}, only=["in_progress"])
        else:
            await self._becomes("finalizing", {**news, "finalizing_at": now}, only=["in_progress"])
        if self.batch["status"] == "cancelling":
            await self._becomes("cancelling", news, only=["cancelling"])

    def _is_over(self) -> bool:
        return self._stop.is_set() or time.time() >= self.batch["expires_at"]

    async def _note(self, executor: Executor, checkpoints: Checkpoints) -> None:
        """Write down how far it is, and notice that somebody cancels it."""
        tally = checkpoints.tally
        self._pace.at(tally.completed + tally.failed)
        news = self._news(tally)
        left = self.batch["request_counts"]["total"] - tally.completed - tally.failed
        reason = checkpoints.problem or executor.reason
        news["first"] = {
            **news["first"],
            "rate": self._pace.rate,
            "eta": self._pace.eta(left),
            "running": executor.running,
            "reason": reason,
        }
        try:
            batch = await self._here.books.patch(self.id, news)
        except (sqlite3.Error, OSError):
            # The disk is full; it is known here at least.
            self._now({**self.batch, **news, "first": {**self.batch.get("first", {}), **news["first"]}})
        else:
            self._now(batch or {**self.batch, "status": "cancelling"})
        if self.batch["status"] == "cancelling":
            self.cancel()

    def _news(self, tally: Tally) -> Json:
        """Return what the books say of the rows."""
        total = self.batch["request_counts"]["total"]
        return {
            "request_counts": {"total": total, "completed": tally.completed, "failed": tally.failed},
            "usage": _usage(tally),
            "first": {"clusters": tally.clusters},
        }

    # after

    async def _write_out(self) -> None:
        counts = counts_of(self.batch)
        cancelled = self.batch["status"] == "cancelling"
        expired = not cancelled and counts["completed"] + counts["failed"] < counts["total"]
        output, errors = new_id("file"), new_id("file")
        written: list[tuple[Written | None, Written | None, int]] = []
        paths = [self._here.folder.file(identity) for identity in (output, errors)]
        job = partial(
            write,
            self._rows,
            self.id,
            self._input,
            output=paths[0],
            errors=paths[1],
            ending=EXPIRED if expired else None,
        )
        await until_written(lambda: written.append(job()), self._say)
        one, other, left_out = written[-1]
        news: Json = {
            "request_counts": {**counts, "failed": counts["failed"] + left_out},
            "first": {"rate": None, "eta": None, "running": None, "reason": self._end},
        }
        files = []
        for key, what, identity, made in (
            ("output_file_id", "output", output, one),
            ("error_file_id", "errors", errors, other),
        ):
            if made is not None:
                news[key] = identity
                files.append(file(f"{self.id}_{what}.jsonl", made.size, "batch_output", identity))
        status = "cancelled" if cancelled else "expired" if expired else "completed"
        news[f"{status}_at"] = int(time.time())
        await self._becomes(status, news, only=["finalizing", "cancelling"], files=files)
        if status == "completed":
            self._rows.close()
            await asyncio.to_thread(self._here.folder.rows(self.id).unlink, missing_ok=True)

    async def _becomes(
        self, status: str, news: Json, *, only: list[str], files: list[Json] | None = None
    ) -> None:
        """Have the books say so, unless it is something else meanwhile; try again where the disk is full."""
        while True:
            try:
                batch = await self._here.books.patch(
                    self.id, {"status": status, **news}, only=only, files=files or []
                )
                self._now(batch or await self._here.books.batch(self.id) or self.batch)
            except (sqlite3.Error, OSError) as error:
                self._say(f"The state of the batch cannot be written ({error}); it is tried again.")
                await asyncio.sleep(AGAIN)
            else:
                return

    def _used(self, results: Sequence[Result]) -> None:
        self._here.used(used(results, self.batch["model"], time.time()))

    def _say(self, problem: str | None) -> None:
        self._now({**self.batch, "first": {**self.batch.get("first", {}), "reason": problem}})

    def _now(self, batch: Json) -> None:
        self.batch = batch
        self._here.tell(batch)


async def _end(work: asyncio.Task[None]) -> None:
    work.cancel()
    await asyncio.wait([work])


def _usage(tally: Tally) -> Json:
    return {
        "input_tokens": tally.prompt,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": tally.completion,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": tally.prompt + tally.completion,
    }


def _unreadable(error: OSError) -> Json:
    return {
        "code": "unreadable",
        "line": None,
        "message": f"The input cannot be read: {error}",
        "param": None,
    }
