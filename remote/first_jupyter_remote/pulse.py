"""Tells by what an inference server says of its load, and by what it does not say, whether it still works."""

from __future__ import annotations

from .protocol import Load

__all__ = ["Pulse"]

MUTE = 120.0
STALL = 180.0


class Pulse:
    """Follows one server from its first answer on. It has no clock: each moment is given, in seconds.

    Parameters
    ----------
    now
        When it was ready.
    embeddings
        Whether it reads tokens rather than makes them.
    """

    def __init__(self, now: float, *, embeddings: bool = False) -> None:
        self.load = Load()
        self._embeddings = embeddings
        self._heard = self._moved = now

    def beat(self, load: Load | None, now: float, printed: float = 0.0) -> bool:
        """Take its load, None where it did not say, and when it last printed; return whether it is in use."""
        self._moved = max(self._moved, printed)
        if load is None:
            return False
        self._heard = now
        busy = load.running + load.waiting > 0
        # While a long prompt is read there is no token, but requests that come and go, or a line in the log.
        if load != self.load or not busy:
            self._moved = now
        used = busy or load != self.load
        self.load = load
        return used

    def fault(self, now: float) -> str:
        """Return what is wrong with it, to be put after its name; nothing while it works."""
        if now - self._heard > MUTE:
            return f"has not answered for {MUTE:g} s"
        if now - self._moved > STALL:
            many = self.load.running + self.load.waiting
            wait = f"{many} requests wait" if many > 1 else "a request waits"
            return (
                f"has {'read' if self._embeddings else 'made'} no token for {STALL:g} s while {wait} for one"
            )
        return ""
