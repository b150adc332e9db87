"""How often answers may be asked for by Globus Compute, which takes 20 requests in 10 s of all that we do."""

from __future__ import annotations

from collections import deque

__all__ = ["Allowance"]


class Allowance:
    """So many requests in so many seconds; those beyond are booked for later. Pure of clocks.

    Parameters
    ----------
    requests, seconds
        How many in how long.
    longest
        The seconds that a request may have to wait.
    """

    def __init__(self, requests: int, seconds: float, longest: float) -> None:
        self.seconds, self._longest = seconds, longest
        self._booked: deque[float] = deque(maxlen=requests)

    def wait(self, now: float) -> float:
        """Return the seconds that a request would have to wait."""
        if len(self._booked) < (self._booked.maxlen or 0):
            return 0.0
        return max(0.0, self._booked[0] + self.seconds - now)

    def book(self, now: float) -> float | None:
        """Let a request be sent; return the seconds to wait before, None where that is too long."""
        wait = self.wait(now)
        if wait > self._longest:
            return None
        self._booked.append(now + wait)
        return wait
