"""How long something lasts, as people write it into a federation file."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

__all__ = ["Duration"]

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _seconds(value: Any) -> Any:
    """Read ``90``, ``90s``, ``30m``, ``2h``, ``1d`` or ``never``."""
    if value == "never":
        return None
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhd])\s*", value) if isinstance(value, str) else None
    if match:
        return float(match[1]) * _UNITS[match[2]]
    if isinstance(value, str):
        raise ValueError("write a number of seconds, or a time such as 90s, 30m or 2h, or never")  # noqa: TRY004
    return value


Duration = Annotated[
    Annotated[float, Field(gt=0)] | None,
    BeforeValidator(_seconds, json_schema_input_type=float | str | None),
]
