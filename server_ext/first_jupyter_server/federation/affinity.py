"""Which replica has read a conversation before: its prefix cache answers the next turn sooner."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import orjson

from . import tuning

__all__ = ["Affinity", "Trail", "trail"]

Trail = tuple[int, ...]
"""A hash for each beginning of a conversation: its first message, its first two, and so on."""

_PLAIN = {"role", "content"}


class Affinity:
    """The conversations that were served last; bounded in number and age.

    Each turn sends all messages before it again, so a request goes on from the longest beginning that is
    known. Only whole requests are kept: one system prompt for all is no reason for them to share a replica.
    """

    def __init__(self) -> None:
        self._served: OrderedDict[tuple[str, int], tuple[str, str, float]] = OrderedDict()

    def find(self, model: str, trail: Trail, now: float) -> tuple[str, str] | None:
        """Return the cluster and the replica that have read the longest beginning, if any have."""
        for beginning in reversed(trail):
            served = self._served.get((model, beginning))
            if served is not None:
                cluster, replica, at = served
                return (cluster, replica) if now - at < tuning.CACHED_FOR else None
        return None

    def keep(self, model: str, trail: Trail, who: tuple[str, str], now: float) -> None:
        """Remember the cluster and the replica that read a conversation."""
        if not trail:
            return
        self._served[model, trail[-1]] = (*who, now)
        self._served.move_to_end((model, trail[-1]))
        if len(self._served) > tuning.CONVERSATIONS:
            self._served.popitem(last=False)


def trail(body: Mapping[str, Any]) -> Trail:
    """Return the trail of a request's body: of its messages, or of its prompt's beginning; else an empty one.

    Hashes differ from one process to the next, and tell nothing of what they were made of.
    """
    prompt = body.get("prompt")
    if isinstance(prompt, str):
        return (hash(prompt[: tuning.PROMPT_HEAD]),)
    messages = body.get("messages") or body.get("input")
    if not isinstance(messages, list):
        return ()
    beginnings = []
    beginning = _hash(body.get("instructions"))
    for message in messages:
        if not isinstance(message, dict):
            return ()
        if message.keys() == _PLAIN and isinstance(message["content"], str):
            said: object = (_hash(message["role"]), message["content"])
        else:
            said = _hash(message)
        beginning = hash((beginning, said))
        beginnings.append(beginning)
    return tuple(beginnings)


def _hash(value: Any) -> int:
    return hash(value if isinstance(value, str) else orjson.dumps(value))
