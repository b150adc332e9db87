"""All batches: made, cancelled, taken up again, and run by the one process that holds the folder's lock."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import sqlite3
import time
from collections.abc import Callable
from functools import partial

from first_jupyter_server.errors import ApiError
from first_jupyter_server.federation.catalog import Catalog

from .asked import Wanted
from .books import Books
from .checkpoints import AGAIN
from .executor import Executor
from .folder import Folder
from .objects import Json, batch, new_batch
from .run import Run

__all__ = ["Batches"]

LOOKS_EVERY = 2.0
"""Seconds between two looks for what another server of this folder has entered."""

AT_ONCE = 8
"""Batches that run at once; those after them wait."""

MODELS_KNOWN = 30.0
"""Seconds for which a batch waits until there is any model."""


class Batches:
    """The batches of one folder.

    Parameters
    ----------
    folder
        Where they lie.
    executor
        Returns who answers a batch's rows.
    tell
        Takes a batch whenever there is news of it.
    used
        Takes the sums of rows that are done.
    """

    def __init__(
        self,
        folder: Folder,
        executor: Callable[[Json], Executor],
        tell: Callable[[Json], None],
        used: Callable[[list[Json]], None],
    ) -> None:
        self.folder = folder
        self.books = Books(folder.books)
        self.executor = executor
        self._tell = tell
        self.used = used
        self._runs: dict[str, Run] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._look = asyncio.Event()
        self._catalog = Catalog()
        self._has_models = asyncio.Event()
        self._log = logging.getLogger(__name__)

    # what the routes ask

    async def create(self, wanted: Wanted) -> Json:
        """Enter a batch, and have it begun.

        Raises
        ------
        ApiError
            404 where there is no such file.
        """
        source = await self.books.file(wanted.input_file)
        if source is None:
            raise _no_file(wanted.input_file)
        made = new_batch(wanted.endpoint, wanted.input_file, wanted.window, wanted.metadata, wanted.first)
        await self.books.add_batch(made)
        self._look.set()
        return batch(made)

    async def get(self, identity: str) -> Json:
        """Return a batch, as new as it can be.

        Raises
        ------
        ApiError
            404 where there is none.
        """
        run = self._runs.get(identity)
        found = await self.books.batch(identity) if run is None else run.batch
        if found is None:
            message = f"There is no batch {identity!r}; client.batches.list() has those that there are."
            raise ApiError(404, message, code="not_found", param="batch_id")
        return batch(found)

    async def page(self, limit: int, after: str | None) -> list[Json]:
        """Return batches, the newest first."""
        found = await self.books.batches(limit, after)
        return [batch(self._runs[each["id"]].batch if each["id"] in self._runs else each) for each in found]

    async def cancel(self, identity: str) -> Json:
        """Have a batch end with what is answered by now.

        Raises
        ------
        ApiError
            404 where there is none; 409 where it has ended.
        """
        news = {"status": "cancelling", "cancelling_at": int(time.time())}
        changed = await self.books.patch(identity, news, only=["validating", "in_progress"])
        if changed is None:
            status = (await self.get(identity))["status"]
            if status != "cancelling":
                message = f"Batch {identity} is {status}; only one that is under way can be cancelled."
                raise ApiError(409, message, code="not_under_way", param="batch_id")
            return await self.get(identity)
        if (run := self._runs.get(identity)) is not None:
            run.cancel()
        self._look.set()
        return batch(changed)

    async def resume(self, identity: str, seconds: float, first: Json) -> Json:
        """Have a batch that was cancelled or has expired go on with the rows that are not answered.

        Parameters
        ----------
        seconds
            For how long.
        first
            What is to change beyond OpenAI's keys.

        Raises
        ------
        ApiError
            404 where there is none; 409 where it is neither.
        """
        found = await self.get(identity)
        news = {
            "status": "in_progress" if found["in_progress_at"] else "validating",
            "expires_at": int(time.time() + seconds),
            "output_file_id": None,
            "error_file_id": None,
            "first": {"reason": None, **first},
            **dict.fromkeys(("finalizing_at", "cancelling_at", "cancelled_at", "expired_at")),
        }
        changed = await self.books.patch(identity, news, only=["cancelled", "expired"])
        if changed is None:
            message = (
                f"Batch {identity} is {found['status']}; only one that was cancelled or has expired can be "
                "resumed. Make a new one of the rows in its error file."
            )
            raise ApiError(409, message, code="not_resumable", param="batch_id")
        for key in ("output_file_id", "error_file_id"):
            if found[key]:
                await self.remove_file(found[key])
        self._look.set()
        return batch(changed)

    async def remove_file(self, identity: str) -> None:
        """Remove a file, and its content.

        Raises
        ------
        ApiError
            404 where there is none, 409 where a batch still reads it.
        """
        if await self.books.file(identity) is None:
            raise _no_file(identity)
        if (user := await self.books.user_of(identity)) is not None:
            message = f"File {identity} is being read by {user}; cancel that batch first."
            raise ApiError(409, message, code="file_in_use", param="file_id")
        await self.books.remove_file(identity)
        await asyncio.to_thread(self.folder.file(identity).unlink, missing_ok=True)

    # what a batch finds around it

    def take(self, catalog: Catalog) -> None:
        """Take a new catalog."""
        self._catalog = catalog
        if catalog.models:
            self._has_models.set()

    def resolve(self, model: str) -> str:
        """Return the id of the model that a name means.

        Raises
        ------
        ApiError
            404 where there is none.
        """
        return self._catalog.resolve(model)[0].id

    async def knows_models(self) -> None:
        """Return once there are models, or none have come for long."""
        try:
            async with asyncio.timeout(MODELS_KNOWN):
                await self._has_models.wait()
        except TimeoutError:
            self._log.debug("There are no models.")

    def tell(self, changed: Json) -> None:
        """Pass a batch's news on."""
        self._tell(batch(changed))

    # running them

    @property
    def under_way(self) -> list[Json]:
        """The batches that run here."""
        return [run.batch for run in self._runs.values()]

    async def run(self) -> None:
        """Run batches for as long as this process lives."""
        lock = await self._lock()
        try:
            while True:
                self._look.clear()
                await self._begin()
                try:
                    async with asyncio.timeout(LOOKS_EVERY):
                        await self._look.wait()
                except TimeoutError:
                    pass
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            os.close(lock)

    async def _lock(self) -> int:
        """Take the lock and tidy up, once whoever holds it has gone and the disk allows it."""
        while True:
            with contextlib.ExitStack() as until_held:
                try:
                    lock = os.open(self.folder.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                    until_held.callback(os.close, lock)
                    await self._hold(lock)
                    await self._tidy()
                except (sqlite3.Error, OSError) as error:
                    self._log.warning("No batch can be run now: %s", error)
                else:
                    until_held.pop_all()
                    return lock
            await asyncio.sleep(AGAIN)

    async def _hold(self, lock: int) -> None:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await asyncio.sleep(1.0)
            except OSError as error:  # a file system without locks; there is nobody to ask
                self._log.debug("No lock: %s", error)
                return
            else:
                return

    async def _tidy(self) -> None:
        files = await self.books.files(1_000_000, None, "asc", None)
        unfinished = await self.books.unfinished()
        known = {each["id"] for each in files}, {each["id"] for each in unfinished}
        await asyncio.to_thread(self.folder.tidy, *known)

    async def _begin(self) -> None:
        try:
            unfinished = await self.books.unfinished()
        except (sqlite3.Error, OSError) as error:
            self._log.debug("The books cannot be read: %s", error)
            return
        for each in unfinished:
            identity = each["id"]
            if identity not in self._tasks and len(self._tasks) < AT_ONCE:
                run = self._runs[identity] = Run(each, self)
                task = self._tasks[identity] = asyncio.create_task(run.live())
                task.add_done_callback(partial(self._ended, run))
            elif each["status"] == "cancelling" and identity in self._runs:
                self._runs[identity].cancel()

    def _ended(self, run: Run, task: asyncio.Task[None]) -> None:
        del self._runs[run.id], self._tasks[run.id]
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            self._log.error("Batch %s was interrupted and is taken up again: %s", run.id, error)
        else:
            self._look.set()


def _no_file(identity: str) -> ApiError:
    message = f"There is no file {identity!r}; client.files.list() has those that there are."
    return ApiError(404, message, code="not_found", param="file_id")
