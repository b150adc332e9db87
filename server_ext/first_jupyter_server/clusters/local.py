"""The kind ``local``: models served on this machine, by the node agent that clusters run."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Sequence
from typing import Any

from first_jupyter_remote.protocol import ReplicaRecord, Stage

from first_jupyter_server import config
from first_jupyter_server.background import Background

from .base import Offer, Status
from .local_executor import LocalExecutor, Task
from .replicas import Served, ended, offer, slug, spec
from .running import Running
from .scalable import Log
from .starts import Starts
from .surroundings import Surroundings

__all__ = ["LocalCluster"]

KIND = "local"


class LocalCluster:
    """Serves models on this machine.

    Parameters
    ----------
    name
        The name in the federation file.
    section
        What stands there.
    here
        What it finds in this server.
    """

    kind, status, unstoppable = KIND, Status("online"), ""

    def __init__(self, name: str, section: config.LocalCluster, here: Surroundings) -> None:
        self.name = name
        self._models = {model.id: Served(model) for model in section.models}
        self._tasks: dict[str, Task] = {}
        self._home = here.folder(name)
        self._changed, self._log = here.changed, here.log
        self._executor = LocalExecutor()
        self._background = Background(here.log)
        self._starts = Starts(name, here.history, self._background, here.log)

    def offers(self) -> list[Offer]:
        """Return what it serves, and in which state."""
        return [
            offer(
                served,
                served.place(self.name, KIND, eta=self._starts.eta(best), stages=self._starts.steps(best)),
            )
            for served in self._models.values()
            for best in (served.best(),)
        ]

    async def open(self) -> None:
        """Do nothing: replicas end with the server that started them."""

    async def start(self, model: str, hold: float | None = None) -> None:
        """Start a replica of the model, unless one is there or on its way; hold it."""
        served = self._models[model]
        there = {name: run for name, run in served.running.items() if run.is_of_use}
        if there and hold is not None:
            self._background.do(self._hold(list(there), hold))
        for name, run in there.items():
            if served.config.sleep_after is not None and run.rouse():
                self._background.do(self._wake(name, run))
                self._changed()
        if not there:
            self._launch(served, hold)

    async def add(self, model: str, hold: float | None = None) -> None:
        """Start one more replica of the model."""
        self._launch(self._models[model], hold)

    def _launch(self, served: Served[config.LocalModel], hold: float | None) -> None:
        model = served.config.id
        replica = f"{slug(model)}-{secrets.token_hex(3)}"
        record = ReplicaRecord(replica, model, Stage.QUEUED, "starting the node agent")
        run = Running.wanted(record)
        served.begin(run)
        self._changed()
        self._background.do(self._mind(served, run, hold))

    async def stop(self, model: str) -> None:
        """Drain and end the model's replicas."""
        for replica in list(self._models[model].running):
            await self.end(replica)

    async def end(self, replica: str) -> None:
        """Drain and end one replica."""
        for served in self._models.values():
            if (run := served.running.get(replica)) is not None:
                run.stopped = True
        if (task := self._tasks.get(replica)) is not None:
            task.stop()
        self._changed()

    async def keep(self, replica: str, seconds: float) -> None:
        """Keep one replica warm for a while."""
        await self._hold([replica], seconds)

    def failure(self, model: str) -> Log | None:
        """Return how the model's last replica ended, where it failed."""
        return self._models[model].failure(self.name)

    async def tail(self, replica: str) -> tuple[Sequence[str], str]:
        """Return the last lines of a replica's log as it is now, and the file."""
        said = await _call("tail", str(self._home), replica)
        return said["lines"], said["file"]

    def took(self, model: str) -> Sequence[float]:
        """Return the seconds that earlier starts of a model took."""
        return self._starts.took(model)

    def unreachable(self, replica: str, reason: str) -> None:
        """Take note that a replica did not take a request; its node agent sees to the rest."""
        self._log.info("Replica %s did not take a request: %s", replica, reason)

    async def close(self) -> None:
        """End all replicas: they are of no use without this server."""
        for served in self._models.values():
            for run in served.running.values():
                run.stopped = True
        await asyncio.gather(*(task.end() for task in self._tasks.values()))
        await self._background.cancel()

    async def _hold(self, replicas: Sequence[str], seconds: float) -> None:
        for replica in replicas:
            await _call("hold", str(self._home), replica, seconds)

    async def _wake(self, replica: str, run: Running) -> None:
        try:
            await _call("wake", str(self._home), replica)
        except OSError as error:
            run.note = f"it could not be woken: {error}"
            run.miss()
            self._changed()

    async def _mind(self, served: Served[config.LocalModel], run: Running, hold: float | None) -> None:
        """Run the node agent to its end, and keep what it reports."""
        replica = run.record.replica
        try:
            task = await self._executor.submit(
                "serve", spec(served.config).to_json(), replica, str(self._home), hold=hold
            )
        except OSError as error:
            outcome: dict[str, Any] = {"error": f"the node agent could not be started: {error}"}
        else:
            self._tasks[replica] = task
            if run.stopped:
                task.stop()
            outcome = await task.result(
                lambda record: self._take(served, run, ReplicaRecord.from_json(record))
            )
            del self._tasks[replica]
        if not run.record.stage.is_final:
            reason = outcome.get("error", "its node agent did not say how it ended")
            killed = bool(outcome.get("killed"))
            self._take(served, run, ended(run.record, Stage.FAILED, reason, again=killed))
        self._log.info("Replica %s ended: %s", replica, run.record.reason or run.record.stage)
        with contextlib.suppress(OSError):
            # Looking through the records removes the old ones, and their logs.
            await _call("find", str(self._home))

    def _take(self, served: Served[config.LocalModel], run: Running, record: ReplicaRecord) -> None:
        """Take a record; learn from the first that says ready, and note the one that tells of the end."""
        run.take(record)
        run.host = record.host
        if record.stage.is_final:
            served.end(record)
        elif record.stage is Stage.READY:
            self._starts.learn(run)
        self._changed()


async def _call(function: str, *given: Any) -> Any:
    """Call one of the cluster's functions in a thread, which imports them: Jupyter's start needs none."""

    def call() -> Any:
        from first_jupyter_remote import functions  # noqa: PLC0415

        return getattr(functions, function)(*given)

    return await asyncio.to_thread(call)
