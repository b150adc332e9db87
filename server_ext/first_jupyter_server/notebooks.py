"""The notebooks whose kernels carry a label: which one asks, and where its requests may go."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from .auth import key as keys
from .errors import ApiError
from .federation.wishes import Wishes, check_clusters

__all__ = ["Notebooks"]


class Notebooks:
    """Labels, paths and rules; all of it lasts as long as the key, which is as long as this server.

    Parameters
    ----------
    clusters
        Returns the names of the clusters there are.
    changed
        Called with all rules, by label, when one has changed.
    """

    def __init__(
        self, clusters: Callable[[], Collection[str]], changed: Callable[[dict[str, Any]], None]
    ) -> None:
        self._clusters = clusters
        self._changed = changed
        self._paths: dict[str, str] = {}
        self._rules: dict[str, Wishes] = {}

    def label(self, path: str) -> str:
        """Make the label of a notebook's kernel that is about to be started."""
        label = keys.new_label()
        self._paths[label] = path
        return label

    def path(self, label: str) -> str | None:
        """Return which notebook a label stands for; None for none."""
        return self._paths.get(label)

    def named(self, outcomes: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Say of ended requests which notebook they came from."""
        return [{**outcome, "notebook": self.path(outcome["label"])} for outcome in outcomes]

    def rules(self) -> list[dict[str, Any]]:
        """Return where requests may go, of each notebook that has a say in it."""
        return [self.rule(label) for label in self._rules]

    def rule(self, label: str) -> dict[str, Any]:
        """Return where a notebook's requests may go; without a label, those of no notebook."""
        wishes = self._rules.get(label, Wishes())
        return {"notebook": label or None, "path": self.path(label), **wishes.to_json()}

    def set_rule(self, label: str, wishes: Wishes) -> None:
        """Say where a notebook's requests may go, in place of what was said before.

        Raises
        ------
        ApiError
            404 where there is no such notebook; 400 where there is no such cluster.
        """
        if label and label not in self._paths:
            message = f"There is no notebook with the label {label!r}; restart its kernel for a new one."
            raise ApiError(404, message, code="not_found", param="notebook")
        known = self._clusters()
        for name, clusters in (("avoid", wishes.avoid), ("prefer", wishes.prefer), ("stay", wishes.stay)):
            check_clusters(clusters or (), known, name)
        if wishes == Wishes():
            self._rules.pop(label, None)
        else:
            self._rules[label] = wishes
        self._changed({label: rule.to_json() for label, rule in self._rules.items()})
