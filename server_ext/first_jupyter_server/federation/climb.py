"""Finds how many rows a server is to get at once that does not say how many it can answer."""

from __future__ import annotations

from . import tuning

__all__ = ["Climb"]


class Climb:
    """Goes up for as long as more rows at once are more rows a second, and down where they are refused."""

    def __init__(self) -> None:
        self.most = tuning.CLIMB_FROM
        self._lower, self._rate = self.most, 0.0
        self._rests = 0
        self._since: float | None = None
        self._answered = 0

    def answered(self, running: int, now: float) -> None:
        """Take note of an answer.

        Parameters
        ----------
        running
            Rows that were there at once, this one among them.
        now
            The moment, in seconds of any clock.
        """
        if running < self.most:  # as fast as rows come, not as the server could be
            self._since = None
            return
        if self._since is None:
            self._since, self._answered = now, 0
            return
        self._answered += 1
        if self._answered >= 2 * self.most and now > self._since:
            self._compare(self._answered / (now - self._since))
            self._since = None

    def refused(self) -> None:
        """Take note that there was too much to do."""
        self.most = self._lower = max(1, self.most // 2)
        self._rate, self._since, self._rests = 0.0, None, tuning.CLIMB_RESTS

    def _compare(self, rate: float) -> None:
        """Go on where the last step paid; go back where it did not, and try again after a while."""
        if self._rests:
            self._rests -= 1
        elif rate > self._rate * tuning.CLIMB_PAYS:
            self._lower, self._rate = self.most, rate
            self.most = min(tuning.CLIMB_TO, self.most + max(1, self.most // 2))
        else:
            self.most, self._rate = self._lower, 0.0
            self._rests = tuning.CLIMB_RESTS
