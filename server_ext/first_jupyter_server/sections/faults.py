"""What is wrong with a federation file, in sentences that name the key and the remedy."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Mapping
from typing import Any

__all__ = ["sentence"]


def sentence(
    fault: Any, kinds: Collection[str], keys: Collection[str], broken: Mapping[str, str] | None = None
) -> str:
    """Turn one of pydantic's errors into a sentence.

    Parameters
    ----------
    fault
        One of ``ValidationError.errors()``.
    kinds
        The kinds of clusters that there are.
    keys
        All keys that there are, for a hint at one that was misspelt.
    broken
        Why kinds that packages say they add cannot be used, by name.
    """
    loc = fault["loc"]
    if loc[:1] == ("clusters",) and loc[2:3] and loc[2] in kinds:
        loc = (*loc[:2], *loc[3:])  # pydantic's own word for which of the kinds it tried
    where = ".".join(map(_shown, loc))
    if fault["type"] == "union_tag_invalid":
        tag = fault["ctx"]["tag"]
        if why := (broken or {}).get(tag):
            return f"{where}.kind: the kind {tag!r} cannot be used: {why}."
        return f"{where}.kind: there is no kind {tag!r}; there are: {', '.join(kinds)}."
    if fault["type"] == "union_tag_not_found":
        return f"{where}.kind: it is missing."
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(fault["loc"][-1]), keys, n=1)
        remedy = f"did you mean '{near[0]}'?" if near else f"known keys are {', '.join(sorted(keys))}."
        return f"{where}: there is no such key; {remedy}"
    if fault["type"] == "missing":
        return f"{where}: it is missing."
    message = fault["msg"].removeprefix("Value error, ")
    given = (
        ""
        if isinstance(fault["input"], dict | list)
        else f" (it is {json.dumps(fault['input'], default=str)})"
    )
    told = f"{message[:1].lower()}{message[1:]}{given}."
    return f"{where}: {told}" if where else told


def _shown(part: Any) -> str:
    """Return a key as it stands in a sentence."""
    key = str(part)
    return key if key and key.isprintable() else repr(key)
