"""The control API's part on rules: where a notebook's requests may go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from first_jupyter_server.errors import ApiError
from first_jupyter_server.federation.wishes import Wishes
from first_jupyter_server.notebooks import Notebooks

__all__ = ["RuleRoutes"]

Answer = tuple[int, dict[str, Any]]


class RuleRoutes:
    """The routes.

    Parameters
    ----------
    notebooks
        Whose rules they are.
    """

    def __init__(self, notebooks: Notebooks) -> None:
        self._notebooks = notebooks

    def routes(self) -> dict[tuple[str, str], Callable[[dict[str, Any]], Awaitable[Answer]]]:
        """Return the table."""
        return {("GET", "rules"): self._list, ("PUT", "rules"): self._set}

    async def _list(self, _: dict[str, Any]) -> Answer:
        return 200, {"rules": self._notebooks.rules()}

    async def _set(self, body: dict[str, Any]) -> Answer:
        label = body.get("notebook") or ""
        if not isinstance(label, str):
            raise ApiError(400, "'notebook' must be a string.", code="invalid_type", param="notebook")
        stay = _names(body, "stay")
        wishes = Wishes(
            avoid=_names(body, "avoid") or frozenset(),
            prefer=_names(body, "prefer") or frozenset(),
            stay=stay,
        )
        self._notebooks.set_rule(label, wishes)
        return 200, self._notebooks.rule(label)


def _names(body: dict[str, Any], key: str) -> frozenset[str] | None:
    names = body.get(key)
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        message = f"'{key}' must be a list of clusters' names."
        raise ApiError(400, message, code="invalid_type", param=key)
    return frozenset(names)
