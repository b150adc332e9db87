"""One life of an inference server, on one node or several: launched, asked, ended."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import os
import secrets
import time
from typing import TYPE_CHECKING, Any

from . import modules
from .addresses import EVERYWHERE, LOOPBACK
from .backends.base import LaunchError, Phase
from .crew import Crew
from .nodes import NodesError, place
from .probe import Address, Answer, ask, free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .backends.base import Backend, Cause
    from .log import Log
    from .protocol import Load, ModelSpec

__all__ = ["DiedError", "Server"]

MOVING = 300.0
"""Seconds that the weights may take from the GPUs to the host's memory, or back."""


class DiedError(Exception):
    """The inference server ended by itself, or is of no more use; the message says why."""


class Server:
    """An inference server's processes, with the address and the key it was given.

    Parameters
    ----------
    spec
        The model.
    kind
        The backend.
    weights
        Where the weights are on this machine.
    bind
        The address to listen on.
    log
        Where its output goes.
    wake
        Called when it ended or an answer is there.

    Raises
    ------
    LaunchError
        If it cannot be started as it was asked for.
    """

    def __init__(
        self,
        spec: ModelSpec,
        kind: Backend,
        weights: Path | None,
        *,
        bind: str,
        log: Log,
        wake: Callable[[], None],
    ) -> None:
        self.spec, self.kind, self.weights = spec, kind, weights
        listening = Address(bind, free_port(bind), secrets.token_urlsafe(32))
        log.secrets.add(listening.key)
        # The agent sits on the same machine; other machines' ways here are none of its business.
        self.address = dataclasses.replace(listening, host=LOOPBACK) if bind == EVERYWHERE else listening
        self._log, self._wake = log, wake
        self._pool = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="first-probe")
        try:
            launch = kind.launch(spec, weights, listening, place({**os.environ, **spec.env}))
        except NodesError as error:
            raise LaunchError(str(error)) from error
        self.phase = Phase(launch.note) if launch.note else None
        self.context: int | None = None
        log.tail.clear()
        if launch.note:
            log.add(f"first: {launch.note}")
        launch = modules.loaded(launch, spec.modules, spec.env)
        env = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONSAFEPATH": "1"}
        self._crew = Crew(launch, env, spec.env, log=log, on_line=self._on_line, wake=wake)

    def _on_line(self, line: str) -> None:
        phase = self.kind.phase(line)
        if phase and (phase.progress or 0) >= ((self.phase and self.phase.progress) or 0):
            self.phase = phase
            self._wake()

    def death(self) -> Cause | None:
        """Return why it ended by itself, None while it lives.

        Its parts end together, so that the first one's words count, unless another's tell what starting again
        would not change.
        """
        first = self._crew.ended()
        if first is None:
            return None
        code = first.process.poll() or 0
        causes = []
        for member in [first, *(each for each in self._crew.members if each is not first)]:
            cause = self.kind.explain(list(member.words.tail), code, self.weights or self.spec.id)
            if member.host:
                cause = dataclasses.replace(cause, reason=f"on {member.host}: {cause.reason}")
            causes.append(cause)
        return next((cause for cause in causes if cause.final), causes[0])

    def is_up(self, tick: Callable[[], None]) -> bool:
        """Say whether it answers, for this model; another program's server would not."""
        answer = self._ask(tick, "/v1/models", timeout=5.0)
        if answer.status != 200:
            return False
        try:
            listed = {model["id"]: model for model in json.loads(answer.text)["data"]}
            self.context = self.kind.context(listed[self.spec.id])
        except (ValueError, KeyError, TypeError, AttributeError):
            return False
        return True

    def warm_up(self, tick: Callable[[], None]) -> Answer:
        """Send the first request, which is the slowest one."""
        path, body = self.kind.warm_up(self.spec)
        return self._ask(tick, path, body, timeout=600.0)

    def load(self, tick: Callable[[], None]) -> Load | None:
        """Return what it is doing, None if it does not say so in time."""
        answer = self._ask(tick, "/metrics", timeout=10.0)
        return self.kind.load(answer.text, embeddings=self.spec.embeddings) if answer.status == 200 else None

    def can_sleep(self, tick: Callable[[], None]) -> bool:
        """Say whether it can give its GPUs' memory back, and take it again."""
        return bool(self.kind.sleep) and self._ask(tick, self.kind.sleep, timeout=10.0).status == 200

    def sleep(self, tick: Callable[[], None]) -> bool:
        """Have it take no more requests, and sleep once it has answered those it has; return whether it does.

        Raises
        ------
        DiedError
            If it does not do so: what its GPUs' memory holds is not known then.
        """
        return self._move(tick, self.kind.sleep, "go to sleep").status == 200

    def wake(self, tick: Callable[[], None]) -> None:
        """Have it answer requests again, those first that came meanwhile.

        Raises
        ------
        DiedError
            If it does not do so.
        """
        self._move(tick, self.kind.wake, "wake up")

    def is_wanted(self, tick: Callable[[], None]) -> bool:
        """Say whether requests have come while it sleeps: they were on their way when it began to."""
        answer = self._ask(tick, self.kind.sleep, timeout=10.0)
        try:
            return answer.status == 200 and json.loads(answer.text)["waiting"] > 0
        except (ValueError, KeyError, TypeError):
            return False

    def _move(self, tick: Callable[[], None], path: str, what: str) -> Answer:
        answer = self._ask(tick, path, {}, timeout=MOVING)
        if answer.status not in (200, 202):
            raise DiedError(f"{self.kind.name} did not {what}: {answer.status} {answer.text[:200]}")
        return answer

    def end(self, grace: Callable[[], float], tick: Callable[[], None]) -> None:
        """Ask it to end, and see to it after ``grace()`` seconds, which may become fewer meanwhile."""
        asked = time.monotonic()
        self._crew.terminate()
        while self._crew.live() and time.monotonic() - asked < grace():
            tick()
        self.kill()

    def kill(self) -> None:
        """End it and all that it started, now."""
        self._crew.kill()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ask(
        self, tick: Callable[[], None], path: str, body: dict[str, Any] | None = None, *, timeout: float
    ) -> Answer:
        """Ask in another thread, and until the answer is there call ``tick``, which waits and may raise."""
        future = self._pool.submit(ask, self.address, path, body, timeout)
        future.add_done_callback(lambda _: self._wake())
        while not future.done():
            tick()
        return future.result()
