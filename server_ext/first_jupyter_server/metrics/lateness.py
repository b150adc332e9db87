"""How late the timers of Jupyter's event loop are: what blocks it shows here, whoever does."""

from __future__ import annotations

import asyncio

from prometheus_client import CollectorRegistry, Histogram

__all__ = ["Lateness"]

EVERY = 1.0
"""Seconds between two timers."""

_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Lateness:
    """Sets one timer after the other, and notes by how much each is late.

    Parameters
    ----------
    registry
        Where that is read.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._late = Histogram(
            "first:event_loop_delay_seconds",
            "By how much a timer of the Jupyter server's event loop was late, measured once a second.",
            registry=registry,
            buckets=_SECONDS,
        )
        self._watch: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._watch = asyncio.create_task(self._measure())

    def stop(self) -> None:
        """End."""
        if self._watch is not None:
            self._watch.cancel()

    async def _measure(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + EVERY
            await asyncio.sleep(EVERY)
            self._late.observe(max(0.0, loop.time() - due))
