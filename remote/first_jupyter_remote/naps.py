"""A replica's sleep as it is done: its turn on the GPUs, going to sleep, and waking up."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .protocol import Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from .records import Reporter
    from .server import Server
    from .sleep import Sleep
    from .turns import Turns

__all__ = ["Naps"]


class Naps:
    """Sees to one replica's sleep, and tells of it.

    Parameters
    ----------
    replica
        Its id.
    sleep
        Decides when.
    turns
        Whose turn it is on the GPUs, where several models have them one after the other.
    reporter
        Its record.
    wanted
        Whether it is to sleep at all.
    """

    def __init__(self, replica: str, sleep: Sleep, turns: Turns, reporter: Reporter, *, wanted: bool) -> None:
        self._replica, self._sleep, self._turns, self._reporter = replica, sleep, turns, reporter
        self._is_wanted = wanted

    def wait_for_turn(self, stage: Stage, rest: Callable[[], None]) -> None:
        """Wait until the GPUs are this one's; those who share them have them one after the other.

        Parameters
        ----------
        stage
            What it is in meanwhile.
        rest
            Waits a little; may raise.
        """
        while not self._turns.ask(self._replica, time.monotonic(), urgent=self._sleep.wanted):
            self._reporter.update(stage=stage, reason="waiting for its turn on the node's GPUs")
            rest()

    def leave(self) -> None:
        """Give the GPUs back."""
        self._turns.leave(self._replica)

    def lost(self) -> None:
        """Take note that its server has ended."""
        self.leave()
        self._sleep.lost()

    def begin(self, server: Server, tick: Callable[[], None]) -> str:
        """Begin its time awake; return why it cannot sleep, if it is to."""
        if not self._is_wanted:
            return ""
        if server.can_sleep(tick):
            self._sleep.wake(time.monotonic())
            return ""
        self.leave()
        return f"this machine's {server.kind.name} cannot sleep, so it stays awake"

    def use(self) -> None:
        """Take note that it has requests."""
        self._sleep.use(time.monotonic())

    def order(self) -> None:
        """Take note that somebody has ordered it to be awake."""
        self._sleep.want(time.monotonic())
        if self._sleep.is_awake:
            self._reporter.update(wakes=self._reporter.record.wakes + 1)

    @property
    def is_due(self) -> bool:
        """Whether it is to go to sleep."""
        now = time.monotonic()
        return self._sleep.is_due(now, self._turns.waiting(now))

    def sleep(self, server: Server, tick: Callable[[], None], look: Callable[[], None]) -> None:
        """Sleep until somebody wants it; the requests that it has are answered before.

        Parameters
        ----------
        tick
            Called while the server's answer is waited for; may raise.
        look
            Waits a little and looks after it; may raise.
        """
        self._sleep.begin()
        self._reporter.update(stage=Stage.ASLEEP, reason="going to sleep once it has answered")
        while not server.sleep(tick):
            look()
        self.leave()
        self._reporter.update(reason="asleep")
        while not self._sleep.wanted:
            look()
            if server.is_wanted(tick):
                self._sleep.want(time.monotonic())

    def wake(self, server: Server, tick: Callable[[], None], look: Callable[[], None]) -> None:
        """Wake up, once it has its turn; as for ``sleep``."""
        self._reporter.update(stage=Stage.WARMING, reason="waking up", wakes=self._reporter.record.wakes + 1)
        self.wait_for_turn(Stage.WARMING, look)
        self._reporter.update(reason="waking up")
        server.wake(tick)
        self._sleep.wake(time.monotonic())
