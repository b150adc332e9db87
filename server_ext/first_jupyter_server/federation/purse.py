"""What may still be spent: budgets against what is in use, and what was used today, kept over restarts."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from .budget import Budget, Spent, midnight_after, spend
from .catalog import Model
from .survey import asked_for, in_use
from .terms import Key, Terms

__all__ = ["Purse"]

AGE = 60.0
"""Seconds that what is written down may be behind."""


class Purse:
    """The budgets of clusters, under no model's name, and of models there.

    Parameters
    ----------
    budgets, terms
        What the federation file says.
    path
        The file of what was used today; a missing or broken one says that nothing was.
    """

    def __init__(self, budgets: Mapping[Key, Budget], terms: Mapping[Key, Terms], path: Path) -> None:
        self._budgets, self._terms, self._path = budgets, terms, path
        self._asked: dict[Key, float] = {}
        self._at: float | None = None
        self._written = 0.0
        self._spent: dict[Key, Spent] = {}
        try:
            for cluster, model, day, node_seconds in json.loads(path.read_text(encoding="utf-8")):
                self._spent[str(cluster), str(model)] = Spent(str(day), float(node_seconds))
        except (OSError, ValueError, TypeError):
            self._spent = {}

    @property
    def is_limited(self) -> bool:
        """Whether there is any budget."""
        return bool(self._budgets)

    def look(self, models: Sequence[Model], now: float) -> bool:
        """Count what is in use, and add what has been used since the last look.

        Parameters
        ----------
        models
            The catalog's.
        now
            The moment, in seconds since the epoch.

        Returns
        -------
        bool
            Whether it is time to write it down.
        """
        self._asked = asked_for(models, self._terms)
        used = in_use(models, self._terms)
        since, self._at = self._at if self._at is not None else now, now
        for key in self._budgets:
            self._spent[key] = spend(self._spent.get(key, Spent()), used.get(key, 0.0), since, now)
        if not any(used.get(key) for key in self._budgets) or now - self._written < AGE:
            return False
        self._written = now
        return True

    def asks(self, key: Key) -> None:
        """Count in that one more replica is asked for."""
        for each in ((key[0], ""), key):
            self._asked[each] = self._asked.get(each, 0.0) + self._nodes(key)

    def refusal(self, key: Key) -> str:
        """Return why no replica may be started; nothing where one may."""
        refusals = (
            budget.refusal(self._spent.get(each, Spent()), self._asked.get(each, 0.0), self._nodes(key))
            for each, budget in self._of(key)
        )
        return next(filter(None, refusals), "")

    def is_spent(self, key: Key) -> bool:
        """Whether nothing is left of today's node-hours."""
        return any(budget.is_spent(self._spent.get(each, Spent())) for each, budget in self._of(key))

    def room(self, key: Key) -> float:
        """Return how many more replicas the nodes allow."""
        left = (
            (budget.nodes - self._asked.get(each, 0.0)) / self._nodes(key)
            for each, budget in self._of(key)
            if budget.nodes is not None
        )
        return min(left, default=math.inf)

    def wait(self, now: float) -> float:
        """Return the seconds until it is to be looked at again."""
        if not self._budgets:
            return math.inf
        midnight = midnight_after(now) - now + 1.0
        return min(AGE, midnight) if any(self._asked.get(key) for key in self._budgets) else midnight

    def save(self) -> None:
        """Write the file, whole or not at all; blocks, so not for the event loop.

        Raises
        ------
        OSError
            Where it cannot be written.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(f".{os.getpid()}.tmp")
        rows = [[*key, spent.day, spent.node_seconds] for key, spent in list(self._spent.items())]
        draft.write_text(json.dumps(rows), encoding="utf-8")
        draft.replace(self._path)

    def _nodes(self, key: Key) -> float:
        return self._terms[key].nodes if key in self._terms else 1.0

    def _of(self, key: Key) -> Iterator[tuple[Key, Budget]]:
        for each in ((key[0], ""), key):
            if (budget := self._budgets.get(each)) is not None:
                yield each, budget
