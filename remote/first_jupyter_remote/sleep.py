"""When a replica sleeps: after a while without a request, or where others wait for the GPUs."""

from __future__ import annotations

__all__ = ["ARRIVAL", "LULL", "PATIENCE", "Sleep", "is_due"]

ARRIVAL = 15.0
"""Seconds within which the request arrives for which a replica woke up."""
LULL = 3.0
"""Seconds without a request after which one makes room for another that somebody waits for."""
PATIENCE = 20.0
"""Seconds that somebody waits for another one while this one is in use; then it takes no more requests."""


def is_due(
    after: float, *, idle: float, awake: float, wanted: bool, waiting: tuple[int, float | None] = (0, None)
) -> bool:
    """Say whether a replica that is awake is to go to sleep.

    Parameters
    ----------
    after
        Seconds without a request after which it sleeps, be there others or not.
    idle, awake
        For how many seconds it has had no request, and been awake.
    wanted
        Whether somebody woke it and has sent no request yet.
    waiting
        How many others wait for the GPUs, and for how many seconds one that somebody waits for.
    """
    others, urgent = waiting
    if urgent is not None and min(urgent, awake) >= PATIENCE:
        return True
    if not others:
        return idle >= after
    return idle >= min(after, LULL if urgent is not None and not wanted else ARRIVAL)


class Sleep:
    """Follows one replica's use. It has no clock: each moment is given, in seconds.

    Parameters
    ----------
    after
        Seconds without a request after which it sleeps; None where it never does.
    wanted
        Whether somebody waits for it from the beginning.
    """

    def __init__(self, after: float | None, *, wanted: bool = True) -> None:
        self.wanted = wanted
        self.is_awake = False
        self._after = after
        self._woke = self._used = 0.0

    def begin(self) -> None:
        """Take note that it goes to sleep; who wants it from now on has it woken."""
        self.is_awake = self.wanted = False

    def wake(self, now: float) -> None:
        """Take note that it is awake."""
        self.is_awake = True
        self._woke = self._used = now

    def lost(self) -> None:
        """Take note that its server has ended; who used it waits for the next one."""
        self.wanted, self.is_awake = self.wanted or self.is_awake, False

    def want(self, now: float) -> None:
        """Take note that somebody wants it awake, and will send a request."""
        self.wanted, self._used = True, now

    def use(self, now: float) -> None:
        """Take note that it has requests; those that it answers before it sleeps do not keep it awake."""
        if self.is_awake:
            self.wanted, self._used = False, now

    def is_due(self, now: float, waiting: tuple[int, float | None]) -> bool:
        """Say whether it is to go to sleep."""
        if self._after is None or not self.is_awake:
            return False
        idle, awake = now - self._used, now - self._woke
        return is_due(self._after, idle=idle, awake=awake, wanted=self.wanted, waiting=waiting)
