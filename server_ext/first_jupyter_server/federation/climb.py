"""Finds how many requests a server answers at once that does not say it, from rows of batches."""

from __future__ import annotations

from . import tuning

__all__ = ["Climb"]


class Climb:
    """Goes up for as long as more rows at once are more rows a second, and down where they are refused."""

    def __init__(self) -> None:
        self.slots = tuning.CLIMB_FROM
        self._paid = self.slots
        self._rate, self._most = 0.0, 0
        self._rests = 0
        self._since: float | None = None
        self._answered = 0

    def answered(self, most: int, now: float, *, waiting: bool) -> None:
        """Take note of an answer.

        Parameters
        ----------
        most
            Requests that there were to be at once.
        now
            The moment, in seconds of any clock.
        waiting
            Whether further rows wait: else the server is as fast as rows come, not as it could be.
        """
        if not waiting:
            self._since = None
            return
        if self._since is None:
            self._since, self._answered = now, 0
            return
        self._answered += 1
        if self._answered >= tuning.CLIMB_ANSWERS * most and now > self._since:
            self._compare(self._answered / (now - self._since), most)
            self._since = None

    def refused(self) -> None:
        """Take note that there was too much to do."""
        self.slots = self._paid = max(1, self.slots // 2)
        self._rate, self._since, self._rests = 0.0, None, tuning.CLIMB_RESTS

    def _compare(self, rate: float, most: int) -> None:
        """Go on where the last step paid; go back where it did not, and try again after a while."""
        if self._rests:
            self._rests -= 1
            return
        more = most / self._most - 1 if self._most else 0.0
        if self._rate and more > 0 and rate < self._rate * (1 + more * tuning.CLIMB_PAYS):
            self.slots, self._rate = self._paid, 0.0
            self._rests = tuning.CLIMB_RESTS
        else:
            self._paid, self._rate, self._most = self.slots, rate, most
            self.slots = min(tuning.CLIMB_TO, self.slots + max(1, self.slots // 2))
