"""The kind ``first-gateway``: a cluster behind a FIRST gateway, which starts and stops models itself."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from first_jupyter_remote.protocol import QueuedJob, Stage

from first_jupyter_server.background import Background
from first_jupyter_server.config import GatewaySection
from first_jupyter_server.dialects.first_gateway import AGAIN_IN
from first_jupyter_server.dialects.first_gateway import said as words
from first_jupyter_server.federation.catalog import Place, Replica, State, Step
from first_jupyter_server.federation.history import estimate, steps

from .asking import Unanswered
from .base import Offer, Status
from .gateway import Gateway
from .gateway_rousing import rouse
from .gateway_states import CACHED, Known, state
from .gateway_words import Job, Served, details, jobs
from .looks import NOT_BEFORE, Looks
from .openai import replica_id
from .queue_words import seconds_until_hot
from .standing import Standing
from .starts import save
from .surroundings import Surroundings

__all__ = ["GatewayCluster", "make", "names"]

KIND = "first-gateway"
WITHIN = 75.0
"""Seconds for a gateway to tell what runs: it asks the cluster's scheduler, for which it takes up to 60."""
DETAILS_EVERY = 3600.0
"""Seconds between two questions after what the models can do."""
STARTING = (Stage.QUEUED.value, Stage.LOADING.value)
"""The stages that a gateway tells of; STAGES has them by state."""
STAGES = {State.QUEUED: Stage.QUEUED.value, State.STARTING: Stage.LOADING.value, State.HOT: Stage.READY.value}


def names(name: str, section: GatewaySection) -> dict[str, str]:
    """Return the federation's name of each of the gateway's clusters."""
    if len(section.clusters) == 1:
        return {section.clusters[0]: name}
    return {cluster: f"{name}-{cluster}" for cluster in section.clusters}


def make(name: str, section: GatewaySection, here: Surroundings) -> list[GatewayCluster]:
    """Make the clusters of one gateway."""
    gateway = Gateway(name, section, here, here.changed)
    return [GatewayCluster(own, cluster, gateway, here) for cluster, own in names(name, section).items()]


class GatewayCluster:
    """Serves what a gateway lists for one of its clusters.

    Parameters
    ----------
    name
        The federation's name for it.
    cluster
        The gateway's.
    gateway
        Who is asked.
    here
        What it finds in this server.
    """

    kind, unstoppable = KIND, "the gateway decides how long its models stay"

    def __init__(self, name: str, cluster: str, gateway: Gateway, here: Surroundings) -> None:
        self.name = name
        self._cluster, self._gateway = cluster, gateway
        self._jobs: Standing[dict[str, Job]] = Standing()
        self._known: dict[str, Known] = {}
        self._details: Any = None
        self._detailed = float("-inf")
        self._entered: dict[str, dict[str, float]] = {}
        self._history, self._changed, self._log = here.history, here.changed, here.log
        self._background = Background(here.log)
        self._looks = Looks(self._look, here.idle, here.log, lambda: CACHED)

    @property
    def status(self) -> Status:
        """Whether the gateway lets this person use it."""
        standing = self._gateway.standing
        listed = standing.answer
        if standing.is_down or listed is None or self._cluster in listed:
            return standing.status
        return Status(
            "offline", f"the gateway lists no {self._cluster} for you; it lists: {', '.join(listed)}"
        )

    def offers(self) -> list[Offer]:
        """Return what it serves, and in which state."""
        offers: dict[str, Offer] = {}
        for served in self._served():
            model = self._gateway.names.get(served.name, served.name)
            aliases = tuple(
                dict.fromkeys(name for name in (served.name, model.rsplit("/", 1)[-1]) if name != model)
            )
            place = self._place(model, served)
            offers.setdefault(model, Offer(model, aliases, served.abilities, served.context, place))
        return list(offers.values())

    async def open(self) -> None:
        """Begin to look."""
        await self._gateway.open()
        self._looks.begin()

    async def start(self, model: str, hold: float | None = None) -> None:
        """Ask for the model in the background, unless it is there or asked for; nobody can hold it."""
        served, now = self._find(model), time.time()
        if served is None or self._gateway.standing.is_down:
            self._gateway.look_now()
            return
        known = self._of(served)
        if known.asked is not None or state(known, now)[0] is State.HOT:
            return
        if known.failed is not None and now - known.failed < NOT_BEFORE:
            self._tell(served, replace(known, failed=now))
            return
        self._rouse(served)

    async def stop(self, model: str) -> None:
        """Leave the model to the gateway."""

    def unreachable(self, replica: str, reason: str) -> None:
        """Find out whether a model is there that did not take a request."""
        for served in self._served():
            model = self._gateway.names.get(served.name, served.name)
            if replica_id(self.name, model) == replica and self._of(served).asked is None:
                self._log.info("%s did not take a request: %s", replica, reason)
                self._rouse(served)

    async def close(self) -> None:
        """Leave."""
        await self._background.cancel()
        await self._looks.end()
        await self._gateway.close()

    # what is offered

    def _served(self) -> Sequence[Served]:
        return details(self._details, (self._gateway.standing.answer or {}).get(self._cluster, ()))

    def _find(self, model: str) -> Served | None:
        names = self._gateway.names
        return next((each for each in self._served() if names.get(each.name, each.name) == model), None)

    def _of(self, served: Served) -> Known:
        known = self._known.get(served.name, Known())
        job = (self._jobs.answer or {}).get(served.name)
        return replace(known, job=job, told=None if self._jobs.is_down else self._jobs.seen)

    def _place(self, model: str, served: Served) -> Place:
        known, gateway, now = self._of(served), self._gateway.standing, time.time()
        at, reason = state(known, now)
        ended = known.failed if at is State.OFFLINE else None
        if gateway.is_down:
            at, reason, ended = State.OFFLINE, gateway.reason(now), gateway.since
        trouble = gateway.trouble or self._jobs.trouble
        if trouble and trouble not in reason:
            reason = "; ".join(filter(None, (reason, trouble)))
        return Place(
            cluster=self.name,
            kind=KIND,
            backend="vllm" if served.framework == "vllm" else "other",
            state=at,
            reason=reason,
            stage=STAGES.get(at),
            eta=self._eta(model, known, at, now),
            ended=ended,
            replicas=(self._replica(model, served),) if at is State.HOT else (),
            seen=gateway.stale or self._jobs.stale,
            stages=self._steps(model, at),
        )

    def _replica(self, model: str, served: Served) -> Replica:
        at = self._gateway.at
        return Replica(
            replica_id(self.name, model),
            at.host,
            at.port,
            key=self._gateway.key,
            tls=at.tls,
            base=f"{at.path}/{self._cluster}/{served.framework}/v1",
            model=served.name,
        )

    def _eta(self, model: str, known: Known, at: State, now: float) -> float | None:
        """Return the seconds until it is hot, by what earlier starts here took."""
        remaining, job = self._history.remaining(self.name, model), known.job
        if at is State.QUEUED and job is not None:
            told = seconds_until_hot(QueuedJob(job.id, starts=job.starts), remaining, now)
            if told is not None:
                return told
        stage = STAGES.get(at)
        entered = self._entered.get(model, {})
        if at not in (State.QUEUED, State.STARTING) or stage is None:
            return None
        since = entered.get(stage)
        return None if since is None else estimate(remaining, stage, now - since)

    def _steps(self, model: str, at: State) -> tuple[Step, ...]:
        if at not in (State.QUEUED, State.STARTING):
            return ()
        remaining = self._history.remaining(self.name, model)
        return steps(STARTING, STAGES[at], self._entered.get(model, {}), remaining)

    # what happens

    def _rouse(self, served: Served) -> None:
        self._tell(served, replace(self._of(served), asked=time.time(), said=""))
        self._background.do(
            rouse(
                self._gateway,
                self._cluster,
                served,
                known=lambda: self._of(served),
                tell=lambda known: self._tell(served, known),
            )
        )

    def _tell(self, served: Served, known: Known) -> None:
        self._known[served.name] = known
        self._note_stage(served)
        if known.said:
            self._looks.now()
        self._changed()

    def _note_stage(self, served: Served) -> None:
        """Learn how long starts take here; an answer that was there at once is none."""
        model, now = self._gateway.names.get(served.name, served.name), time.time()
        at, _ = state(self._of(served), now)
        if at in (State.QUEUED, State.STARTING):
            entered = self._entered.setdefault(model, {})
            if at is State.QUEUED:
                # Until the gateway told that it waits, it was only known to have been asked for.
                entered.pop(STAGES[State.STARTING], None)
            entered.setdefault(STAGES[at], now)
            return
        entered = self._entered.pop(model, {})
        if at is State.HOT and entered and now - min(entered.values()) > AGAIN_IN:
            self._history.add(self.name, model, entered, now)
            self._background.do(save(self._history, self._log))

    # looks

    async def _look(self) -> int:
        await self._gateway.answers.wait()
        try:
            said = await self._gateway.ask(f"/{self._cluster}/jobs", within=WITHIN)
            if (told := jobs(said.json()) if said.status == 200 else None) is None:
                why = words(said.body) or f"status {said.status}"
                raise Unanswered(f"the gateway does not tell what runs: {why}", passing=True)
            self._jobs = self._jobs.told(told, time.time())
        except Unanswered as fault:
            self._jobs = self._jobs.missed(fault.reason, time.time(), passing=fault.passing)
        await self._look_at_details()
        for served in self._served():
            self._note_stage(served)
        self._changed()
        return self._jobs.failed

    async def _look_at_details(self) -> None:
        """Ask what the models can do, now and then; gateways of before August 2026 do not tell."""
        if time.monotonic() - self._detailed < DETAILS_EVERY:
            return
        self._detailed = time.monotonic()
        with contextlib.suppress(Unanswered):
            said = await self._gateway.ask(f"/{self._cluster}/models", within=WITHIN)
            self._details = said.json() if said.status == 200 else None
