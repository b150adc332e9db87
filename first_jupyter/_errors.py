"""What can go wrong, told in a line or two.

* FirstError
  * NotConnectedError: no server was found, or it does not answer
  * StatusError: the server answered with an error
* Interrupted: the reader pressed stop (a KeyboardInterrupt)
"""

from __future__ import annotations

__all__ = ["FirstError", "Interrupted", "NotConnectedError", "StatusError"]


class FirstError(Exception):
    """An error written for the person who meets it.

    IPython shows its message alone, without a traceback; the cell is still marked as failed, so that
    *Run All* and ``nbconvert --execute`` stop at it.
    """

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


class NotConnectedError(FirstError):
    """No server was found, or it does not answer."""


class StatusError(FirstError):
    """The server answered with an error.

    Parameters
    ----------
    status
        The HTTP status.
    message
        The server's own sentence.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Interrupted(KeyboardInterrupt):
    """The reader pressed stop; what had come by then is kept."""

    def _render_traceback_(self) -> list[str]:
        return [f"Interrupted: {self}"]
