"""How many bytes in a second may pass: pure, and told the time."""

from __future__ import annotations

__all__ = ["Pace"]

AHEAD = 0.25
"""Seconds' worth of bytes that may pass at once."""


class Pace:
    """A limit that several connections share.

    Parameters
    ----------
    rate
        Bytes in a second.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._paid = 0.0

    def wait(self, size: int, now: float) -> float:
        """Count bytes that have passed; return the seconds until the next ones may."""
        self._paid = max(self._paid, now - AHEAD) + size / self._rate
        return max(0.0, self._paid - now)
