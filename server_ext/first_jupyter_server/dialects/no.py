"""A server's refusal, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from first_jupyter_server.errors import ApiError

__all__ = ["No", "Then"]


class Then(StrEnum):
    """What follows from a refusal."""

    TELL = "tell"
    """The request is at fault: its sender is told."""
    ELSEWHERE = "elsewhere"
    """This server will not serve it; another one may."""
    WAIT = "wait"
    """This server will serve it soon: the model is on its way."""


@dataclass(frozen=True, slots=True)
class No:
    """A refusal.

    Parameters
    ----------
    then
        What follows from it.
    error
        What the sender of the request is told, where nobody else serves it.
    place
        What is wrong with the model there, for all requests, in a sentence; empty where nothing is.
    """

    then: Then
    error: ApiError
    place: str = ""
