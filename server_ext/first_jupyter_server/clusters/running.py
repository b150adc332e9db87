"""One replica as this server sees it: what its node agent reports, and what is known of it here."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from first_jupyter_remote.protocol import QueuedJob, ReplicaRecord, Stage

from first_jupyter_server.federation.catalog import Lease

from .clocks import behind, here
from .queue_words import sentence

__all__ = ["Running"]

EPOCH = time.time() - time.monotonic()
"""What the monotonic clock counts from; the same as long as this server lives, so that no moment wavers."""

EXPIRES_EVERY = 15
"""Seconds to which an end is rounded up that moves with each request: else each one would be news."""


@dataclass
class Running:
    """A replica on its way or at work.

    Parameters
    ----------
    record
        What its node agent said last; what this server supposes, until it has begun.
    entered
        When it entered each stage, by the monotonic clock.
    asked
        When it was asked for, in seconds since the epoch, where known.
    stopped
        Whether this server wants its end.
    minded
        Whether this server waits for its last word.
    task
        The id of its task, once the service gave it one.
    job
        Its job, while that waits and the scheduler tells of it.
    host, path
        The address at which it was reached, and how.
    climbed
        When a better way to it was looked for last, by the monotonic clock.
    reaching
        Whether the way to it is being looked for.
    ready
        When it was ready first, in seconds since the epoch.
    behind
        By how many seconds its node's clock is behind ours at the most.
    follows
        The replica that it is to succeed.
    instead
        How the one ended in whose place it was started.
    successors_failed, not_before
        How many of its own successors came to nothing, and from when on another one may be asked for.
    roused
        When it was asked to be awake, by the monotonic clock, until it is.
    missed
        When such an order came to nothing, in seconds since the epoch.
    note
        What else there is to say of it.
    """

    record: ReplicaRecord
    entered: dict[str, float] = field(default_factory=dict)
    asked: float | None = None
    stopped: bool = False
    minded: bool = False
    task: str | None = None
    job: QueuedJob | None = None
    host: str | None = None
    path: str = "direct"
    climbed: float = 0.0
    reaching: bool = False
    ready: float | None = None
    behind: float | None = None
    follows: str | None = None
    instead: str = ""
    successors_failed: int = 0
    not_before: float = 0.0
    roused: float | None = None
    missed: float | None = None
    note: str = ""

    @classmethod
    def wanted(cls, record: ReplicaRecord, *, minded: bool = False) -> Running:
        """Return one that is asked for now."""
        return cls(record, {Stage.QUEUED: time.monotonic()}, asked=time.time(), minded=minded)

    def rouse(self) -> bool:
        """Take note that it is wanted awake; return whether it has to be told."""
        if self.record.stage is Stage.READY or self.roused is not None:
            return False
        self.roused, self.note = time.monotonic(), ""
        return True

    def miss(self) -> None:
        """Take note that an order to be awake came to nothing, so that who waits for it gives another."""
        self.roused, self.missed = None, time.time()

    def take(self, record: ReplicaRecord) -> None:
        """Take a newer record."""
        before, self.record = self.record, record
        if record.restarts != before.restarts:
            self.roused = None
        elif record.stage is Stage.ASLEEP and self.roused is not None:
            if before.stage is not Stage.ASLEEP or record.wakes != before.wakes:
                self.miss()  # it was awake, and fell asleep again before anybody saw it
        elif record.stage is Stage.WARMING and before.stage is Stage.ASLEEP and self.roused is None:
            self.roused = time.monotonic()
        self.behind = behind(self.behind, time.time(), record.updated)
        for stage, moment in record.entered.items():
            # Until it begins, what counts is when it was asked for; and looks are rare, so it tells itself.
            if stage != Stage.QUEUED and (at := here(moment, self.behind)) is not None:
                self.entered.setdefault(stage, min(at - EPOCH, time.monotonic()))
        if record.stage is not Stage.ASLEEP:
            self.entered.setdefault(record.stage, time.monotonic())
        elif self.ready is None:
            self.ready = time.time()

    @property
    def has_begun(self) -> bool:
        """Whether its node agent has spoken."""
        return self.record.pid is not None or self.record.stage is not Stage.QUEUED

    @property
    def is_of_use(self) -> bool:
        """Whether it serves or will; one that drains takes no more requests."""
        stage = self.record.stage
        return not (self.stopped or stage is Stage.DRAINING or stage.is_final)

    @property
    def stage(self) -> Stage:
        """How far it is for those who want to use it: one that was not reached yet is not ready."""
        if self.stopped:
            return Stage.DRAINING
        if self.record.stage is Stage.ASLEEP and self.roused is not None:
            return Stage.WARMING
        waits = self.record.stage is Stage.READY and self.host is None
        return Stage.WARMING if waits else self.record.stage

    @property
    def reason(self) -> str:
        """What it does, in a sentence."""
        said = self.record.reason
        if self.stage is Stage.WARMING and self.record.stage is Stage.READY:
            said = "looking for the way to its node"
        elif self.stage is Stage.WARMING and self.record.stage is Stage.ASLEEP:
            said = "waking up"
        elif self.job is not None and not self.has_begun:
            said = sentence(self.job, time.time())
        begins = self.stage not in (Stage.READY, Stage.ASLEEP, Stage.DRAINING)
        again = f"started again: {self.instead}" if self.instead and begins else ""
        return "; ".join(filter(None, (said, again, self.note)))

    @property
    def moments(self) -> dict[str, float]:
        """When it entered each stage, in seconds since the epoch."""
        return {stage: at + EPOCH for stage, at in self.entered.items()}

    @property
    def held_until(self) -> float | None:
        """Until when somebody holds it warm, by our clock."""
        return here(self.record.held_until, self.behind)

    @property
    def job_ends(self) -> float | None:
        """When its job's time is up, by our clock."""
        return here(self.record.job_ends, self.behind)

    @property
    def drain_at(self) -> float | None:
        """When it takes no more requests, by our clock; an older release tells its job's end alone."""
        record = self.record
        return here(record.job_ends if record.drain_at is None else record.drain_at, self.behind)

    @property
    def on_nodes(self) -> tuple[float, float] | None:
        """From when until when it has had its nodes, by our clock and as far as its record tells."""
        record = self.record
        last = record.entered.get(record.stage, record.updated) if record.stage.is_final else record.updated
        began = here(record.entered.get(Stage.QUEUED), self.behind)
        until = here(last, self.behind)
        return None if began is None or until is None else (began, max(began, until))

    def lease(self) -> Lease:
        """Return how long it lives."""
        record, expires = self.record, here(self.record.expires, self.behind)
        if expires is not None and expires != self.held_until:
            expires = float(math.ceil(expires / EXPIRES_EVERY) * EXPIRES_EVERY)
        return Lease(
            replica=record.replica,
            stage=self.stage.value,
            node=record.node,
            job=record.job or (self.job.job if self.job is not None else None),
            held_until=self.held_until,
            expires=expires,
            job_ends=self.job_ends,
            follows=self.follows,
            since=self.asked,
            path=None if self.host is None else self.path,
        )
