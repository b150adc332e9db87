"""One replica at a time behind Globus Compute: submitted, waited for, reached, held and ended."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from logging import Logger
from typing import Any

from first_jupyter_remote.protocol import ModelSpec, ReplicaRecord, Stage

from first_jupyter_server.background import Background
from first_jupyter_server.errors import ApiError

from .asked import Asked, Order
from .globus_executor import CONTROL, GlobusExecutor
from .globus_faults import ComputeFault, garbled, offline
from .globus_watch import SLOWNESS
from .replicas import ended
from .running import Running
from .ways import REMEMBERED, Ways

__all__ = ["GlobusReplicas"]

Part = tuple[Running, ModelSpec]

AGAIN = (3.0, 25.0, 25.0, 25.0)
"""Seconds before each further try with a replica that was given to a job at its end: an endpoint keeps a job
without a task for a while, and takes a while to see that one is over."""


class GlobusReplicas:
    """Does what is to be done about single replicas.

    Parameters
    ----------
    executor
        The endpoint.
    home
        The folder of records on the cluster.
    owner
        The name that this server's replicas carry.
    asked
        Where it is kept what was asked for.
    background
        Where what nobody waits for is done.
    take
        Takes what becomes of a replica.
    reached
        Called when the way to a replica is found.
    ways
        Finds the ways to them.
    look
        Has the records looked at.
    changed
        Called when there is something else to say of a replica.
    log
        Where it is told what is no harm.
    """

    def __init__(
        self,
        executor: GlobusExecutor,
        home: str,
        owner: str,
        *,
        asked: Asked,
        background: Background,
        ways: Ways,
        take: Callable[[Running, ReplicaRecord], None],
        reached: Callable[[Running], None],
        look: Callable[[], None],
        changed: Callable[[], None],
        log: Logger,
    ) -> None:
        self._executor, self._home, self._owner = executor, home, owner
        self._asked, self._background = asked, background
        self._ways = ways
        self._take, self._reached, self._look = take, reached, look
        self._changed, self._log = changed, log

    def serve(self, parts: Sequence[Part], config: Mapping[str, Any], hold: float | None) -> None:
        """Have replicas started in one job, and their last words waited for."""
        self._background.do(self._serve(parts, config, hold))

    def hold(self, run: Running, seconds: float) -> None:
        """Keep a replica warm for so many seconds from now, or from when it is ready."""
        self._background.do(self._control(run, "hold", seconds, wish="held"))

    def wake(self, run: Running) -> None:
        """Have a replica that sleeps wake up."""
        self._background.do(self._control(run, "wake", wish="woken"))

    def end(self, run: Running) -> None:
        """Ask a replica's node agent to end."""
        self._background.do(self._control(run, "stop", wish="stopped"))

    def reach(self, run: Running) -> None:
        """Look for the way to a replica that says it is ready."""
        if not run.reaching:
            self._background.do(self._reach(run))

    def climb(self, run: Running) -> None:
        """Look, now and then, whether a replica that is reached another way is reached at its address now."""
        if run.path != "direct" and time.monotonic() - run.climbed > REMEMBERED:
            run.climbed = time.monotonic()
            self._background.do(self._climb(run))

    async def tail(self, replica: str) -> tuple[Sequence[str], str]:
        """Return the last lines of a replica's log as it is now, and the file.

        Raises
        ------
        ApiError
            Where the cluster does not tell.
        """
        try:
            said = await self._executor.call(CONTROL, "tail", self._home, replica, patience=SLOWNESS)
        except ComputeFault as fault:
            message = f"The log of {replica} could not be fetched: {fault.reason}."
            raise ApiError(502, message, kind="server_error", code="log_unreachable") from None
        return said["lines"], said["file"]

    async def last_words(self, run: Running) -> str:
        """Say how the task of an earlier server ended; nothing where it has not, as far as can be told."""
        if run.minded or run.task is None:
            return ""
        try:
            return "its task ended without a word" if await self._executor.has_ended(run.task) else ""
        except ComputeFault as fault:
            return "" if fault.passing else fault.reason

    async def _serve(
        self, parts: Sequence[Part], config: Mapping[str, Any], hold: float | None, failed: int = 0
    ) -> None:
        try:
            online, _ = await asyncio.gather(self._executor.is_online(), self._executor.prepare(config))
            if not online:
                raise offline(self._executor.endpoint)
            future = await self._submit([part for part in parts if not self._is_unwanted(part)], config, hold)
            if future is None:
                return
            self._look()
            last = await self._executor.result(config, future)
            endings = self._read(last if isinstance(last, list) else [last])
        except ComputeFault as fault:
            self._failed(parts, config, hold, failed, fault)
            return
        for ending in endings:
            for run, _ in parts:
                if run.record.replica == ending.replica:
                    self._take(run, ending)

    async def _again(
        self, parts: Sequence[Part], config: Mapping[str, Any], hold: float | None, failed: int
    ) -> None:
        """Ask once more, a little later."""
        await asyncio.sleep(AGAIN[failed])
        await self._serve(parts, config, hold, failed + 1)

    def _is_unwanted(self, part: Part) -> bool:
        """Say whether a replica was stopped meanwhile; nobody will hear of it."""
        run, _ = part
        if run.stopped:
            self._take(run, ended(run.record, Stage.STOPPED, "it was stopped before it began"))
        return run.stopped

    async def _submit(
        self, parts: Sequence[Part], config: Mapping[str, Any], hold: float | None
    ) -> Future[Any] | None:
        if not parts:
            return None
        for run, spec in parts:
            self._asked.add(Order(run.record.replica, spec.id, follows=run.follows, asked=run.asked))
        calls = [{"spec": spec.to_json(), "replica": run.record.replica} for run, spec in parts]
        where = {"bind": self._ways.bind, "owner": self._owner, **({"hold": hold} if hold else {})}
        where |= {"door": door} if (door := self._ways.door) else {}
        where |= {"rendezvous": invitation} if (invitation := self._ways.invitation) else {}
        if len(calls) == 1:
            one = calls[0]["spec"], calls[0]["replica"], self._home
            future = await self._executor.submit(config, "serve", *one, **where)
        else:
            future = await self._executor.submit(config, "serve_together", calls, self._home, **where)
        for run, _ in parts:
            self._take(run, dataclasses.replace(run.record, reason="waiting for a node"))
        self._background.do(self._note_task([run for run, _ in parts], future))
        return future

    def _failed(
        self,
        parts: Sequence[Part],
        config: Mapping[str, Any],
        hold: float | None,
        failed: int,
        fault: ComputeFault,
    ) -> None:
        """Take note that a submission came to nothing, or ask once more."""
        if not fault.ended and any(run.task is not None for run, _ in parts):
            # The service has the task, and only the way to its result broke: the records will tell.
            self._log.warning("Replica %s: %s", parts[0][0].record.replica, fault.reason)
            for run, _ in parts:
                run.minded = False
        elif fault.lost and failed < len(AGAIN) and not any(run.has_begun or run.stopped for run, _ in parts):
            # The endpoint gave it to a job that was over, which it had not noticed yet.
            self._log.info("Replica %s is asked for again: %s", parts[0][0].record.replica, fault.reason)
            for run, _ in parts:
                run.task = None
            self._background.do(self._again(parts, config, hold, failed))
        else:
            for run, _ in parts:
                again = fault.lost and run.has_begun
                # A job that could not have it any more is no failure of one that was stopped meanwhile.
                stage = Stage.STOPPED if fault.lost and run.stopped else Stage.FAILED
                self._take(run, ended(run.record, stage, fault.reason, again=again))

    async def _note_task(self, runs: Sequence[Running], future: Future[Any]) -> None:
        """Keep the task's id once the service has given it one."""
        task = await self._executor.task_id(future)
        for run in runs:
            run.task = task
            if task is not None and (order := self._asked.orders.get(run.record.replica)) is not None:
                self._asked.add(dataclasses.replace(order, task=task))

    async def _control(self, run: Running, function: str, *args: Any, wish: str) -> None:
        replica = run.record.replica
        try:
            await self._executor.call(CONTROL, function, self._home, replica, *args, patience=SLOWNESS)
        except ComputeFault as fault:
            run.note = f"it could not be {wish}: {fault.reason}"
            if function == "wake":
                run.miss()
            self._changed()
        self._look()

    async def _climb(self, run: Running) -> None:
        record = run.record
        host = await self._ways.direct(record)
        if host is not None and run.host is not None and run.record.key == record.key:
            run.path, run.host = "direct", host
            self._changed()

    async def _newest(self, record: ReplicaRecord) -> ReplicaRecord:
        """Return a replica's record as it is now, if possible: what keeps its tunnel shut is no news."""
        if self._ways.takes_tunnels:
            with contextlib.suppress(ComputeFault):
                found = await self._executor.call(CONTROL, "find", self._home, patience=SLOWNESS)
                for each in self._read(found):
                    if each.replica == record.replica:
                        return each
        return record

    def _read(self, found: Any) -> list[ReplicaRecord]:
        try:
            return [ReplicaRecord.from_json(each) for each in found]
        except (TypeError, ValueError) as error:
            raise garbled(self._executor.endpoint, error) from None

    async def _reach(self, run: Running) -> None:
        """Look for the way; give back the node of a replica to which there never was one."""
        run.reaching = True
        try:
            pauses = self._ways.pauses
            for look, pause in enumerate(pauses, 1):
                await self._ways.wait(run.record.replica, pause)
                record = run.record
                is_ready, last = record.stage is Stage.READY, look == len(pauses)
                way = await self._ways.find(record, last=last) if is_ready else None
                if run.record.stage is not Stage.READY:
                    return
                if way is not None and run.record.port == record.port:
                    run.path, run.host = way
                    run.climbed = time.monotonic()
                    self._reached(run)
                    return
            if run.ready is None:
                newest = await self._newest(run.record)
                self.end(run)
                self._take(run, ended(run.record, Stage.FAILED, self._ways.none(newest)))
        finally:
            run.reaching = False
