"""Follow the catalog in a daemon thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from first_jupyter._control import CatalogStream, events
from first_jupyter._errors import FirstError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Live"]

PAUSES = (0.2, 1.0, 3.0)


class Live:
    """Calls back with each catalog, until it is closed; finds the server again when it was lost.

    Parameters
    ----------
    on_catalog
        Called in the thread with each catalog.
    on_loss
        Called in the thread with a sentence when the server is lost.
    """

    def __init__(
        self,
        on_catalog: Callable[[dict[str, Any]], None],
        on_loss: Callable[[str], None] | None = None,
    ) -> None:
        self._on_catalog, self._on_loss = on_catalog, on_loss
        self._closed = threading.Event()
        self._stream: CatalogStream | None = None
        self._thread = threading.Thread(target=self._follow, name="first-live", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, and let the thread end."""
        self._closed.set()
        if self._stream:
            self._stream.close()

    @property
    def is_alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    def _follow(self) -> None:
        losses = 0
        while not self._closed.is_set():
            why = "the connection was closed"
            try:
                self._stream = events()
                for catalog in self._stream:
                    if self._closed.is_set():
                        self._stream.close()
                        return
                    losses = 0
                    self._on_catalog(catalog)
            except FirstError as error:
                why = str(error)
            if not self._closed.is_set() and self._on_loss:
                self._on_loss(why)
            self._closed.wait(PAUSES[min(losses, len(PAUSES) - 1)])
            losses += 1
