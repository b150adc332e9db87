"""Tells Jupyter's event bus what has changed, so that the browser need not poll."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from first_jupyter_server.auth.login import Login
from first_jupyter_server.federation.catalog import Catalog

from .events import BATCH, CLUSTERS, LOGIN, USAGE, changes, register

__all__ = ["News"]

USAGE_EVERY = 5.0
"""Seconds between two events of usage at the least."""


class News:
    """What is told.

    Parameters
    ----------
    event_logger
        Jupyter's.
    """

    def __init__(self, event_logger: Any) -> None:
        register(event_logger)
        self._event_logger = event_logger
        self._told = float("-inf")
        self._telling: asyncio.TimerHandle | None = None

    def login(self, login: Login) -> None:
        """Tell the state of the login."""
        self._tell(LOGIN, login.event())

    def catalog(self, old: Catalog, new: Catalog) -> None:
        """Tell what leads from one catalog to the next."""
        for schema, data in changes(old, new):
            self._tell(schema, data)

    def clusters(self, entries: Iterable[dict[str, Any]]) -> None:
        """Tell which clusters are not as they were."""
        for entry in entries:
            self._tell(CLUSTERS, {"cluster": entry["cluster"], "state": entry["state"]})

    def batch(self, data: dict[str, Any]) -> None:
        """Tell how a batch is."""
        self._tell(BATCH, data)

    def usage(self) -> None:
        """Tell that requests have ended: at once, or as soon as the last time is long enough ago."""
        if self._telling is None:
            loop = asyncio.get_running_loop()
            self._telling = loop.call_at(max(loop.time(), self._told + USAGE_EVERY), self._tell_usage)

    def close(self) -> None:
        """Tell nothing more."""
        if self._telling is not None:
            self._telling.cancel()

    def _tell_usage(self) -> None:
        self._telling, self._told = None, asyncio.get_running_loop().time()
        self._tell(USAGE, {})

    def _tell(self, schema: str, data: dict[str, Any]) -> None:
        self._event_logger.emit(schema_id=schema, data=data)
