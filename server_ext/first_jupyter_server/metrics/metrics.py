"""All that can be read at ``/first/metrics``, in a registry of our own beside Jupyter's."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry

from .counted import Counted
from .lateness import Lateness
from .standing import Now, Standing

__all__ = ["Metrics"]


class Metrics:
    """What is counted, how things stand, and how late the event loop is.

    Parameters
    ----------
    look
        Returns how things stand, whenever somebody reads.
    """

    def __init__(self, look: Callable[[], Now]) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(Standing(look))
        self.counted = Counted(self.registry)
        self.lateness = Lateness(self.registry)
