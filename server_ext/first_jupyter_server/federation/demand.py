"""How much of a model is asked for: its level, its trend and its latest peaks, as one plain value."""

from __future__ import annotations

import math
from dataclasses import dataclass

from . import tuning

__all__ = ["Demand", "follow"]


@dataclass(frozen=True, slots=True)
class Demand:
    """What is remembered of one model's requests in flight.

    Parameters
    ----------
    at
        When it was looked at last; None where it never was.
    level, slope
        Requests in flight, smoothed, and by how many they grow in a second.
    peaks
        The most that was asked for, with the moment at which each such stretch began, the oldest first.
    """

    at: float | None = None
    level: float = 0.0
    slope: float = 0.0
    peaks: tuple[tuple[float, float], ...] = ()

    def ahead(self, seconds: float) -> float:
        """Return the requests to be expected so many seconds from now; a fall is not counted on."""
        return self.level + max(0.0, self.slope) * min(seconds, tuning.TREND_AHEAD)

    def peak(self, since: float) -> float:
        """Return the most that was asked for since a moment; endless where nobody looked that long ago."""
        if not self.peaks or self.peaks[0][0] > since:
            return math.inf
        return max(most for began, most in self.peaks if began + tuning.PEAK_LASTS > since)


def follow(past: Demand, in_flight: int, now: float) -> Demand:
    """Return what is remembered after one more look.

    Parameters
    ----------
    past
        What was remembered.
    in_flight
        Requests that are answered now or wait.
    now
        The moment, in seconds of any one clock that runs on.
    """
    if past.at is None:
        return Demand(now, float(in_flight), 0.0, ((now, float(in_flight)),))
    passed = max(1e-3, now - past.at)
    weight = 1.0 - math.exp(-passed / tuning.LEVEL_SECONDS)
    level = past.level + weight * (in_flight - past.level)
    weight = 1.0 - math.exp(-passed / tuning.TREND_SECONDS)
    slope = past.slope + weight * ((level - past.level) / passed - past.slope)
    return Demand(now, level, slope, _with_peak(past.peaks, max(level, 0.0), now))


def _with_peak(
    peaks: tuple[tuple[float, float], ...], level: float, now: float
) -> tuple[tuple[float, float], ...]:
    began, most = peaks[-1]
    if now - began < tuning.PEAK_LASTS:
        return (*peaks[:-1], (began, max(most, level)))
    kept = tuple(peak for peak in peaks if peak[0] > now - tuning.PEAKS_KEPT)
    return (*kept, (now, level))
