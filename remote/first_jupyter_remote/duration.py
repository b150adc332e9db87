"""A length of time as a person types it."""

from __future__ import annotations

import re

__all__ = ["seconds"]

PARTS = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
UNITS = (86400, 3600, 60, 1)


def seconds(text: str) -> float:
    """Return the seconds in a text such as ``2h``, ``1h30m`` or ``90m``.

    Raises
    ------
    ValueError
        If it is no length of time above 0.
    """
    found = PARTS.fullmatch(text.strip().lower())
    numbers = [int(number or 0) for number in found.groups()] if found else []
    total = sum(number * unit for number, unit in zip(numbers, UNITS, strict=False))
    if not total:
        raise ValueError(f"{text!r} is no length of time: write it as 2h, 90m or 1h30m")
    return float(total)
