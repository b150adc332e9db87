"""What every kind of cluster offers to the federation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import BaseModel

from first_jupyter_server.federation.catalog import Place

if TYPE_CHECKING:
    from .surroundings import Surroundings

__all__ = ["Cluster", "Kind", "Offer", "Status"]


@dataclass(frozen=True, slots=True)
class Offer:
    """A model as one cluster offers it."""

    id: str
    aliases: tuple[str, ...]
    abilities: tuple[str, ...]
    context: int | None
    place: Place


@dataclass(frozen=True, slots=True)
class Status:
    """Whether a cluster can be reached.

    Parameters
    ----------
    state, reason
        Whether it can, and why not if it cannot.
    seen
        When it told of itself last, in seconds since the epoch; None where it tells at once, or never has.
    """

    state: Literal["online", "offline", "unknown"]
    reason: str = ""
    seen: float | None = None


class Cluster(Protocol):
    """A place that serves models.

    A cluster calls the function that it was given whenever one of its offers has changed; nobody polls it.
    """

    @property
    def name(self) -> str:
        """The name in the federation file."""

    @property
    def kind(self) -> str:
        """What kind of cluster it is."""

    @property
    def status(self) -> Status:
        """Whether it can be reached, as far as it is known here at once."""

    @property
    def unstoppable(self) -> str:
        """Why models cannot be stopped from here, in a sentence; empty where they can."""

    def offers(self) -> Sequence[Offer]:
        """Return what it serves, and in which state; at once, from memory."""

    async def open(self) -> None:
        """Take up what an earlier server left running; return before that is known."""

    async def start(self, model: str, hold: float | None = None) -> None:
        """Have a replica started, unless one is there or on its way; return before it is ready.

        Parameters
        ----------
        model
            Its id.
        hold
            Seconds for which it is kept warm once it is ready, used or not; also the one that is there.
        """

    async def stop(self, model: str) -> None:
        """Have the model's replicas drained and ended; return before they are."""

    def unreachable(self, replica: str, reason: str) -> None:
        """Take note that a replica did not take a request."""

    async def close(self) -> None:
        """Leave; what would be left behind with nobody to use it is ended."""


class Kind(Protocol):
    """A kind of clusters, as the entry point group ``first_jupyter.clusters`` names it."""

    @property
    def section(self) -> type[BaseModel]:
        """What a federation file may say of such a cluster; its ``kind`` is ``Literal`` of the name."""

    def make(self, name: str, section: Any, here: Surroundings) -> Sequence[Cluster]:
        """Make the clusters of a section; most kinds make one of each.

        Parameters
        ----------
        name
            The section's name; the cluster's, or what its clusters' names begin with.
        section
            What stands there.
        here
            What clusters find in this server.
        """
