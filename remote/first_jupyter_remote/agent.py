"""The node agent: fetches the weights, starts the inference server, watches, restarts and ends it."""

from __future__ import annotations

import os
import socket
import time
import traceback
from typing import TYPE_CHECKING, Any

from . import backoff, job
from .addresses import LOOPBACK, addresses
from .backends import LaunchError, backend
from .draining import GRACE, drain
from .json_lines import form_of
from .last_lines import last_lines, secrets_of
from .lease import Lease
from .log import Log
from .naps import Naps
from .orders import Orders
from .protocol import Load, ModelSpec, ReplicaRecord, Stage
from .pulse import Pulse
from .records import Reporter, folder
from .server import DiedError, Server
from .sleep import Sleep
from .stopping import Stop, StopAskedError
from .tunnel import Tunnel
from .turns import Turns
from .weights import WeightsError, cache_dir, fetch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

__all__ = ["Agent"]

LOOK_EVERY = 0.5
UP_EVERY = 0.1
LOAD_EVERY = 2.0
LOADING_LIMIT = 1200.0
DRAIN_LIMIT = 30.0
NOWHERE = {
    "progress": None,
    "host": None,
    "port": None,
    "key": None,
    "addresses": (),
    "load": Load(),
    "expires": None,
}


class GaveUpError(Exception):
    """The inference server ended, and starting it again is in vain."""


class Agent:
    """Runs one replica from its weights to its end.

    Parameters
    ----------
    spec
        The model.
    replica
        The replica's id.
    home
        The folder that keeps records and logs.
    report
        Called with each record that goes out.
    stop
        The wish to end.
    bind
        The address that the server listens on; ``0.0.0.0`` lets other machines in, with the replica's key.
    owner
        Who asked for the replica.
    hold
        Seconds from when it is ready for which it stays, used or not.
    turns
        Whose turn it is on the GPUs, where several models have them one after the other.
    wanted
        Whether somebody waits for this very replica.
    door
        The URL at which the Jupyter server takes this replica's tunnel; empty where none is wanted.
    rendezvous
        Where it comes to meet this replica's node agent, as ``functions.serve`` takes it.
    """

    def __init__(
        self,
        spec: ModelSpec,
        replica: str,
        home: Path,
        report: Callable[[ReplicaRecord], None] | None = None,
        stop: Stop | None = None,
        *,
        bind: str = LOOPBACK,
        owner: str = "",
        hold: float | None = None,
        turns: Turns | None = None,
        wanted: bool = True,
        door: str = "",
        rendezvous: Mapping[str, str] | None = None,
    ) -> None:
        place = folder(home, replica)
        self.spec = spec
        self.stop = stop or Stop()
        self._bind, self._door, self._rendezvous = bind, door, rendezvous
        self._orders = Orders(place, replica)
        self._lease = Lease(spec.idle_ttl, hold)
        # A clock that is set right meanwhile must not end anything.
        self._epoch = time.time() - time.monotonic()
        self._job = job.current(os.environ, self._now())
        env = {**os.environ, **spec.env}
        form = form_of(env, spec.backend, model=spec.id, replica=replica)
        self._log = Log(place / f"{replica}.log", secrets=secrets_of(env), form=form)
        self._server: Server | None = None
        self._tunnels: list[Tunnel] = []
        self._ready_at: float | None = None
        record = ReplicaRecord(
            replica,
            spec.id,
            pid=os.getpid(),
            node=socket.gethostname(),
            owner=owner,
            job=self._job.name,
            job_ends=self._job.ends,
            drain_at=None if self._job.ends is None else self._job.drain_at,
        )
        self._reporter = Reporter(place / f"{replica}.json", record, report)
        sleep = Sleep(spec.sleep_after, wanted=wanted)
        sleeps = spec.sleep_after is not None
        self._naps = Naps(replica, sleep, turns or Turns(), self._reporter, wanted=sleeps)

    def run(self) -> ReplicaRecord:
        """Serve until the end; return the last record."""
        stage, reason, again = Stage.STOPPED, "", False
        try:
            self._serve()
        except StopAskedError as asked:
            reason, again = str(asked), asked.again
            self._drain(reason)
        except (WeightsError, LaunchError, GaveUpError) as error:
            stage, reason = Stage.FAILED, str(error)
        except Exception as error:  # noqa: BLE001  (whatever broke, the server has to end and the record to say so)
            traceback.print_exc()
            stage, reason = Stage.FAILED, f"the node agent broke: {type(error).__name__}: {error}"
        finally:
            self._close_tunnels()
            if self._server:
                self._server.kill()
            self._naps.leave()
        told = self._last_words() if stage is Stage.FAILED else {}
        self._reporter.update(stage=stage, reason=reason, again=again, **NOWHERE, **told)
        self._orders.clear()
        return self._reporter.record

    def _serve(self) -> None:
        """Keep a server up, over its deaths."""
        kind = backend(self.spec.backend)
        self._check()
        fetched = fetch(self.spec.weights, cache_dir(), self._on_fetching)
        deaths, ever_ready = 0, False
        while True:
            self._check()
            self._ready_at = None
            self._naps.wait_for_turn(Stage.LOADING, self._linger)
            self._server = Server(
                self.spec, kind, fetched.path, bind=self._bind, log=self._log, wake=self.stop.ring
            )
            try:
                refused = self._start(self._server, final=not ever_ready)
                self._watch(self._server, refused or fetched.note)
            except DiedError as died:
                self._close_tunnels()
                self._server.kill()
                self._naps.lost()
                ever_ready = ever_ready or self._ready_at is not None
                lived = time.monotonic() - self._ready_at if self._ready_at else 0.0
                deaths = backoff.count_death(deaths, lived)
                if deaths >= backoff.GIVE_UP:
                    raise GaveUpError(f"{died}; given up after {deaths} times in a row") from died
                self._pause(died, backoff.delay(deaths))

    def _start(self, server: Server, *, final: bool) -> str:
        """Wait until the server answers its first request; return what it has against it, if anything."""
        self._reporter.update(stage=Stage.LOADING, reason=f"starting {server.kind.name}", progress=None)

        began = time.monotonic()

        def note() -> None:
            if time.monotonic() - max(began, self._log.heard) > LOADING_LIMIT:
                silent = f"has printed nothing for {LOADING_LIMIT / 60:g} min, and does not answer"
                raise DiedError(f"{server.kind.name} {silent}")
            if server.phase:
                self._reporter.update(reason=server.phase.reason, progress=server.phase.progress)

        def tick() -> None:
            self._rest(server, LOOK_EVERY, final=final, wakeful=True)
            note()

        while not server.is_up(tick):
            self._rest(server, UP_EVERY, final=final)
            note()
        self._reporter.update(stage=Stage.WARMING, reason="answering a first request", progress=None)
        answer = server.warm_up(lambda: self._rest(server, LOOK_EVERY, final=final, wakeful=True))
        self._rest(server, 0, final=final)
        said = f"{answer.status} {answer.text[:200]}"
        if answer.status == 0 or answer.status >= 500:
            raise DiedError(f"{server.kind.name} failed its first request: {said}")
        return f"{server.kind.name} refused its first request: {said}" if answer.status >= 400 else ""

    def _watch(self, server: Server, note: str) -> None:
        """Report the load, until the server dies, falls silent, or nobody needs it any more."""
        self._ready_at = time.monotonic()
        self._lease.ready(self._now())
        at, where = server.address, addresses(self._bind)
        ready = {"host": where[0], "addresses": where, "port": at.port, "key": at.key}
        ready["context"] = server.context
        note = "; ".join(filter(None, (note, self._naps.begin(server, self._tick(server)))))
        ready |= self._lease.terms()
        self._reporter.update(stage=Stage.READY, reason=note, progress=None, **ready)
        self._open_tunnels(at.key, at.port)
        pulse = Pulse(self._ready_at, embeddings=self.spec.embeddings)
        # What the first request left behind in the metrics is no use.
        pulse.beat(server.load(self._tick(server)), time.monotonic())
        while True:
            self._rest(server, LOAD_EVERY)
            self._beat(server, pulse)
            if self._naps.is_due:
                self._nap(server, pulse)
                self._reporter.update(stage=Stage.READY, reason=note, **self._lease.terms())

    def _beat(self, server: Server, pulse: Pulse) -> None:
        """Look what it does; raise if it does not work any more, or nobody needs it."""
        load = server.load(self._tick(server))
        if pulse.beat(load, time.monotonic(), self._log.heard):
            self._lease.use(self._now())
            self._naps.use()
        if fault := pulse.fault(time.monotonic()):
            raise DiedError(f"{server.kind.name} {fault}")
        if load is None:
            return
        trouble = "; ".join(filter(None, (tunnel.trouble for tunnel in self._tunnels)))
        self._reporter.update(load=load, no_tunnel=trouble, **self._lease.terms())
        if over := self._lease.over(self._now()):
            raise StopAskedError(over, again=True)

    def _nap(self, server: Server, pulse: Pulse) -> None:
        """Sleep until somebody wants it, and wake up."""
        tick = self._tick(server)

        def look() -> None:
            self._rest(server, LOOK_EVERY)
            self._beat(server, pulse)

        self._naps.sleep(server, tick, look)
        self._lease.use(self._now())
        self._naps.wake(server, tick, look)

    def _open_tunnels(self, key: str, port: int) -> None:
        if self._door:
            self._tunnels.append(Tunnel(self._door, key, port))
        if self._rendezvous:
            relay, certificate = self._rendezvous["relay"], self._rendezvous["certificate"]
            self._tunnels.append(Tunnel(relay, key, port, certificate=certificate))

    def _close_tunnels(self) -> None:
        while self._tunnels:
            self._tunnels.pop().close()

    def _pause(self, died: DiedError, seconds: float) -> None:
        self._lease.lost()
        restarts = self._reporter.record.restarts + 1
        reason = f"{died}; starting it again in {seconds:g} s"
        self._reporter.update(stage=Stage.LOADING, reason=reason, restarts=restarts, **NOWHERE)
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.stop.wait(min(left, LOOK_EVERY))
            self._check()

    def _drain(self, reason: str) -> None:
        """Let running requests come to their end, as far as there is time, and end the server."""
        if not self._server:
            return
        self._reporter.update(stage=Stage.DRAINING, reason=reason)
        now = self._now()
        answers = self._job.answers_until - now
        if now < self._job.drain_at:
            answers = min(answers, DRAIN_LIMIT)
        drain(
            self._server,
            self.stop,
            self._reporter.flush,
            answers=answers if self._ready_at else 0.0,
            grace=max(0.0, min(GRACE, (self._job.ends or float("inf")) - now - max(answers, 0.0) - 1.0)),
        )

    def _last_words(self) -> dict[str, Any]:
        """Return what the log says last, if there is one, for those who cannot read the file."""
        if not self._server:
            return {}
        return {"log": last_lines(self._log.tail), "log_file": str(self._log.path)}

    def _on_fetching(self, reason: str, progress: float | None) -> None:
        self._check()
        self._reporter.update(stage=Stage.FETCHING, reason=reason, progress=progress)

    def _rest(self, server: Server, seconds: float, *, final: bool = False, wakeful: bool = False) -> None:
        """Wait, and raise if the server or the replica comes to its end; if wakeful, until the bell rings."""
        until = time.monotonic() + seconds
        while True:
            self._check()
            if cause := server.death():
                raise (GaveUpError if final and cause.final else DiedError)(cause.reason)
            left = until - time.monotonic()
            if left <= 0:
                return
            self.stop.wait(min(left, LOOK_EVERY))
            if wakeful:
                return

    def _linger(self) -> None:
        """Wait a little while there is no server."""
        self.stop.wait(LOOK_EVERY)
        self._check()

    def _tick(self, server: Server) -> Callable[[], None]:
        """Return what is done while an answer is waited for."""
        return lambda: self._rest(server, LOOK_EVERY, wakeful=True)

    def _check(self) -> None:
        """Raise if somebody, or the job's end, wants the end; tell what is due."""
        self.stop.check()
        if self._now() >= self._job.drain_at:
            raise StopAskedError("its job's time was up", again=True)
        self._reporter.flush()
        seconds = self._orders.look()
        if self._orders.stop:
            raise StopAskedError("somebody asked it to end")
        if seconds is not None:
            self._lease.hold(seconds, self._now())
            self._reporter.update(**self._lease.terms())
        if self._orders.woken():
            self._naps.order()

    def _now(self) -> float:
        return self._epoch + time.monotonic()
