"""How long to wait before a server that died is started again, and when to give up."""

from __future__ import annotations

__all__ = ["GIVE_UP", "count_death", "delay"]

FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
HEALTHY = 60.0
GIVE_UP = 5


def count_death(deaths: int, lived: float) -> int:
    """Return the number of deaths in a row; a minute in health wipes out the earlier ones."""
    return 1 if lived >= HEALTHY else deaths + 1


def delay(deaths: int) -> float:
    """Return the seconds to wait after so many deaths in a row."""
    return min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** (max(deaths, 1) - 1))
