"""How long a replica is wanted: the time it is held for, and the time that nobody has used it."""

from __future__ import annotations

__all__ = ["Lease"]


class Lease:
    """One replica's lease. It has no clock: each moment is given, in seconds since the epoch.

    Parameters
    ----------
    idle_ttl
        Seconds without a request after which it is over; None where it never is.
    hold
        Seconds from when the replica is ready for which it is wanted, used or not.
    """

    def __init__(self, idle_ttl: float | None, hold: float | None = None) -> None:
        self.held_until: float | None = None
        self._idle_ttl = idle_ttl
        self._waiting = hold
        self._used: float | None = None

    @property
    def expires(self) -> float | None:
        """When it is over if nobody uses the replica any more; None where it never is, or is not ready."""
        if self._idle_ttl is None or self._used is None:
            return None
        return max(self.held_until or 0.0, self._used + self._idle_ttl)

    def terms(self) -> dict[str, float | None]:
        """Return what a record says of it."""
        return {"held_until": self.held_until, "expires": self.expires}

    def hold(self, seconds: float, now: float) -> None:
        """Want it for so long from now on, or from when it is ready; the later end counts."""
        if self._used is None:
            self._waiting = max(self._waiting or 0.0, seconds)
        else:
            self.held_until = max(self.held_until or 0.0, now + seconds)

    def ready(self, now: float) -> None:
        """Take note that the replica is ready."""
        self._used = now
        if self._waiting:
            self.hold(self._waiting, now)
        self._waiting = None

    def lost(self) -> None:
        """Take note that the replica is not ready any more; its idle time begins anew when it is."""
        self._used = None

    def use(self, now: float) -> None:
        """Take note that somebody uses it."""
        self._used = now

    def over(self, now: float) -> str:
        """Return why it is over; nothing while it is not."""
        if self.expires is None or now < self.expires:
            return ""
        if self.expires == self.held_until:
            return "the time it was held for is over"
        return f"nobody has used it for {self._idle_ttl:g} s"
