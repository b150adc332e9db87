"""When a model is kept warm, as people write it: ``weekdays 09:00-18:00``; pure, the moment passed in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

__all__ = ["Schedule", "Window", "parse"]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_GROUPS = {"weekdays": range(5), "weekends": range(5, 7), "daily": range(7)}
_TIMES = re.compile(r"(\d{1,2})(?::(\d{2}))?-(\d{1,2})(?::(\d{2}))?")
_EXAMPLES = "such as 'weekdays 09:00-18:00', 'mon,wed 8-12' or 'daily 22:00-06:00 Europe/Berlin'"
_WHOLE_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Window:
    """The same hours on some days of each week.

    Parameters
    ----------
    days
        The days on which it begins, Monday being 0.
    begins, ends
        Minutes since midnight; where it ends before it begins, it does so on the next day.
    zone
        Whose clock is meant; the server's where None.
    """

    days: frozenset[int]
    begins: int
    ends: int
    zone: ZoneInfo | None = None

    def around(self, at: float) -> Iterator[tuple[float, float]]:
        """Yield when it begins and ends from two days before a moment to more than a week after it."""
        today = datetime.fromtimestamp(at, self.zone).date()
        lasts_over_midnight = self.ends <= self.begins
        for offset in range(-2, 9):
            day = today + timedelta(days=offset)
            if day.weekday() in self.days:
                last = day + timedelta(days=1) if lasts_over_midnight else day
                yield self._moment(day, self.begins), self._moment(last, self.ends)

    def _moment(self, day: date, minutes: int) -> float:
        days, minutes = divmod(minutes, _WHOLE_DAY)
        day += timedelta(days=days)
        # By the wall clock, so that nine o'clock stays nine o'clock when the clocks are changed.
        return datetime(
            day.year, day.month, day.day, minutes // 60, minutes % 60, tzinfo=self.zone
        ).timestamp()


@dataclass(frozen=True, slots=True)
class Schedule:
    """Some windows; it holds in each of them."""

    windows: tuple[Window, ...]

    def ends(self, at: float) -> float | None:
        """Return when it ceases to hold, None where it does not hold at that moment."""
        until = at
        while later := [ends for begins, ends in self._around(at) if begins <= until < ends]:
            until = max(later)
        return until if until > at else None

    def begins(self, at: float) -> float:
        """Return when it begins to hold next, also where it holds at that moment."""
        return min(begins for begins, _ in self._around(at) if begins > at)

    def _around(self, at: float) -> Iterator[tuple[float, float]]:
        for window in self.windows:
            yield from window.around(at)


def parse(text: str | Sequence[str]) -> Schedule:
    """Read a schedule: days, hours and, if they are not the server's, a time zone.

    Raises
    ------
    ValueError
        Where it has no meaning; the message says what to write.
    """
    return Schedule(tuple(_window(one) for one in ([text] if isinstance(text, str) else text)))


def _window(text: str) -> Window:
    match text.split():
        case [days, times]:
            zone = None
        case [days, times, name]:
            zone = _zone(name)
        case _:
            raise ValueError(
                f"'{text}' is no schedule; write days, hours and perhaps a time zone, {_EXAMPLES}"
            )
    return Window(_days(days.lower()), *_times(times), zone)


def _days(text: str) -> frozenset[int]:
    if text in _GROUPS:
        return frozenset(_GROUPS[text])
    days: set[int] = set()
    for part in text.split(","):
        ends = [_day(name) for name in part.split("-", 1)]
        first, last = ends[0], ends[-1]
        days.update(day % 7 for day in range(first, last + 1 if last >= first else last + 8))
    return frozenset(days)


def _day(name: str) -> int:
    for number, short in enumerate(_DAYS):
        if name[:3] == short:
            return number
    known = ", ".join((*_GROUPS, *_DAYS))
    raise ValueError(f"there is no day '{name}'; there are: {known}, and mon-thu or mon,wed")


def _times(text: str) -> tuple[int, int]:
    found = _TIMES.fullmatch(text)
    if found is None:
        raise ValueError(f"'{text}' are no hours; write them as 09:00-18:00")
    hours, minutes = (int(found[1]), int(found[3])), (int(found[2] or 0), int(found[4] or 0))
    begins, ends = (hour * 60 + minute for hour, minute in zip(hours, minutes, strict=True))
    if max(minutes) > 59 or begins >= _WHOLE_DAY or ends > _WHOLE_DAY:
        raise ValueError(f"'{text}' goes past the day's end; a day lasts from 00:00 to 24:00")
    if begins == ends:
        raise ValueError(f"'{text}' begins as it ends; write 00:00-24:00 for the whole day")
    return begins, ends


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone '{name}' here; write one such as Europe/Berlin") from None
