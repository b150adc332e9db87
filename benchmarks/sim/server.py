"""One replica: prompts are read one after another, answers are written in one batch, prefixes are kept."""

from __future__ import annotations

import heapq
from collections import OrderedDict, deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .clusters import Cluster
    from .costs import Costs
    from .events import Clock

__all__ = ["Job", "Server"]


class Job:
    """One request.

    Parameters
    ----------
    at
        When it arrives, in seconds.
    conversation
        Which one it belongs to; its prompt repeats all that was said there.
    prompt, output
        Tokens to be read and to be written.
    """

    __slots__ = (
        "at",
        "conversation",
        "first",
        "output",
        "prompt",
        "read_at",
        "sent",
        "server",
        "target",
        "tried",
        "written",
    )

    def __init__(self, at: float, conversation: int, prompt: float, output: float) -> None:
        self.at, self.conversation, self.prompt, self.output = at, conversation, prompt, output
        self.first: float | None = None
        self.server: Server | None = None
        self.sent = self.read_at = 0.0
        self.target: float | None = None
        self.tried: tuple[str, ...] = ()
        self.written = 0.0


class Server:
    """One replica at work.

    Parameters
    ----------
    clock
        The simulation's.
    name, cluster
        Its name, and its cluster's.
    costs
        What it takes.

    Notes
    -----
    All answers of a batch advance alike, so that one count of steps stands for all of them: an answer is
    complete when the count has passed its target. The count stands still while a prompt is read.
    """

    __slots__ = (
        "_began",
        "_cache",
        "_cached",
        "_clock",
        "_costs",
        "_done",
        "_due",
        "_hangs",
        "_line",
        "_order",
        "_read_until",
        "_reading",
        "_steps",
        "_steps_at",
        "_targets",
        "_writing",
        "alive",
        "cluster",
        "load",
        "name",
        "slots",
    )

    def __init__(self, clock: Clock, name: str, cluster: Cluster, costs: Costs) -> None:
        self._clock, self.name, self.cluster, self._costs = clock, name, cluster, costs
        self._began, self._done = cluster.fleet.began, cluster.fleet.done
        self.slots = costs.slots
        self.alive = True
        self.load = 0
        self._writing = self._order = 0
        self._reading: dict[Job, None] = {}  # ordered, unlike a set
        self._line: deque[Job] = deque()
        self._targets: list[tuple[float, int, Job]] = []
        self._steps = self._steps_at = self._read_until = self._hangs = 0.0
        self._due = float("inf")
        self._cache: OrderedDict[int, float] = OrderedDict()
        self._cached = 0.0

    @property
    def hangs(self) -> bool:
        """Whether it does nothing now, and does not say so."""
        return self._hangs > self._clock.now

    def take(self, job: Job) -> None:
        """Take a request; it waits where all slots are taken."""
        job.server, job.target = self, None
        self.load += 1
        if len(self._reading) + self._writing < self.slots and not self.hangs:
            self._read(job)
        else:
            self._line.append(job)

    def drop(self, job: Job) -> float:
        """Forget a request; return how many tokens of its answer were written."""
        job.server = None
        self.load -= 1
        if job.target is None:
            return 0.0
        self._count()
        self._writing -= 1
        self._next()
        return min(job.output, max(0.0, job.output - (job.target - self._steps)))

    def jobs(self) -> list[Job]:
        """Return the requests that it has taken and not answered; only for its end, which is rare."""
        writing = dict.fromkeys(job for _, _, job in sorted(self._targets, key=lambda target: target[1]))
        return [job for job in (*writing, *self._reading, *self._line) if job.server is self]

    def hang(self, seconds: float) -> None:
        """Do nothing for a while."""
        self._count()
        now = self._clock.now
        self._hangs = now + seconds
        self._steps_at = self._hangs
        self._read_until = max(self._read_until, now) + seconds
        for job in self._reading:
            job.read_at += seconds
        self._clock.at(self._hangs, self._wake)

    def _wake(self) -> None:
        if self.alive:
            self._due = float("inf")
            self._fill()
            self._next()

    def _read(self, job: Job) -> None:
        self._count()
        now, costs = self._clock.now, self._costs
        known = min(self._cache.get(job.conversation, 0.0), job.prompt)
        begins = max(now, self._read_until)
        self._read_until = begins + costs.fixed + costs.read * (job.prompt - known)
        job.read_at = self._read_until
        self._reading[job] = None
        self._clock.at(job.read_at, self._first, job)

    def _first(self, job: Job) -> None:
        if not self.alive:
            return
        if job.read_at > self._clock.now:  # it hung meanwhile
            self._clock.at(job.read_at, self._first, job)
            return
        self._reading.pop(job, None)
        if job.server is not self:
            self._fill()
            return
        self._count()
        self._writing += 1
        self._order += 1
        job.target = self._steps + job.output
        heapq.heappush(self._targets, (job.target, self._order, job))
        self._began(job)
        self._next()

    def _count(self) -> None:
        """Bring the count of steps up to now."""
        now = self._clock.now
        since = max(self._steps_at, self._read_until)
        if now > since and self._writing:
            self._steps += (now - since) / self._costs.step(self._writing)
        self._steps_at = max(self._steps_at, now)

    def _next(self) -> None:
        """Have the next answer's end looked at when it is due."""
        targets = self._targets
        while targets and (targets[0][2].server is not self or targets[0][2].target != targets[0][0]):
            heapq.heappop(targets)
        if not targets:
            return
        begins = max(self._clock.now, self._read_until, self._hangs)
        due = begins + (targets[0][0] - self._steps) * self._costs.step(self._writing)
        if due < self._due - 1e-9:
            self._due = due
            self._clock.at(due, self._finish, due)

    def _finish(self, due: float) -> None:
        if due != self._due or not self.alive:
            return
        self._due = float("inf")
        if self._hangs > self._clock.now:
            return
        self._count()
        targets = self._targets
        ended = []
        while targets and (targets[0][0] <= self._steps + 1e-6 or targets[0][2].server is not self):
            _, _, job = heapq.heappop(targets)
            if job.server is self:
                ended.append(job)
        for job in ended:
            self._writing -= 1
            self._keep(job)
            job.server = None
            self.load -= 1
        self._fill()
        self._next()
        for job in ended:
            self._done(job, self)

    def _fill(self) -> None:
        line = self._line
        while line and len(self._reading) + self._writing < self.slots:
            job = line.popleft()
            if job.server is self:
                self._read(job)

    def _keep(self, job: Job) -> None:
        """Keep what a conversation is made of, and lose the one that was used least lately."""
        cache = self._cache
        self._cached += job.prompt + job.output - cache.pop(job.conversation, 0.0)
        cache[job.conversation] = job.prompt + job.output
        while self._cached > self._costs.cache:
            _, tokens = cache.popitem(last=False)
            self._cached -= tokens
