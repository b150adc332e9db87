"""The wish that a replica ends, and the bell that wakes its node agent."""

from __future__ import annotations

import queue

__all__ = ["Stop", "StopAskedError"]


class StopAskedError(Exception):
    """Somebody, or the passing of time, wants the replica to end; the message says who or why.

    Parameters
    ----------
    reason
        The message.
    again
        Whether who still wants the model may have another replica: nobody asked that it ends.
    """

    def __init__(self, reason: str, *, again: bool = False) -> None:
        super().__init__(reason)
        self.again = again


class Stop:
    """A wish to end that threads and signal handlers may express, and the node agent waits for.

    Unlike ``threading.Event`` it may be set inside a signal handler that interrupted a wait on it.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self.hurry = False
        self.again = False
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()

    def ask(self, reason: str, *, hurry: bool = False, again: bool = False) -> None:
        """Ask for the end, as in ``StopAskedError``; in a hurry, running requests are not waited for."""
        if self.reason is None:
            self.again, self.reason = again, reason
        self.hurry = self.hurry or hurry
        self.ring()

    def ring(self) -> None:
        """Wake whoever waits, because there may be something new to look at."""
        self._bell.put(None)

    def wait(self, seconds: float) -> None:
        """Wait for the bell, at most so long."""
        try:
            self._bell.get(timeout=max(seconds, 0.0))
            while True:
                self._bell.get_nowait()
        except queue.Empty:
            pass

    def check(self) -> None:
        """Raise if the end was asked for."""
        if self.reason is not None:
            raise StopAskedError(self.reason, again=self.again)
