"""The control API's part on clusters: those there are, those there could be, and one more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from first_jupyter_server.clusters.discovery import Discovery
from first_jupyter_server.errors import ApiError

__all__ = ["ClusterRoutes"]

Answer = tuple[int, dict[str, Any]]


class ClusterRoutes:
    """The routes.

    Parameters
    ----------
    discovery
        What is asked.
    """

    def __init__(self, discovery: Discovery) -> None:
        self._discovery = discovery

    def routes(self) -> dict[tuple[str, str], Callable[[dict[str, Any]], Awaitable[Answer]]]:
        """Return the table."""
        return {
            ("GET", "clusters"): self._look,
            ("GET", "clusters/offers"): self._offers,
            ("POST", "clusters"): self._add,
        }

    async def _look(self, _: dict[str, Any]) -> Answer:
        return 200, {"clusters": self._discovery.overview.entries()}

    async def _offers(self, _: dict[str, Any]) -> Answer:
        return 200, await self._discovery.offers()

    async def _add(self, body: dict[str, Any]) -> Answer:
        endpoint, name = body.get("endpoint"), body.get("name") or ""
        if not isinstance(endpoint, str) or not endpoint.strip():
            message = "'endpoint' must be the id of an endpoint, or the name of one that is offered."
            raise ApiError(400, message, code="invalid_type", param="endpoint")
        if not isinstance(name, str):
            raise ApiError(400, "'name' must be a string.", code="invalid_type", param="name")
        return 201, await self._discovery.add(endpoint.strip(), name.strip())
