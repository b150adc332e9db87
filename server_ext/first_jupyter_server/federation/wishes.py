"""Where a request may be served, as its sender, its notebook and its body want it; plain values."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from first_jupyter_server.errors import ApiError

__all__ = ["Wishes", "check_clusters"]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a request asks of the place that serves it.

    Parameters
    ----------
    cluster
        The one cluster that will do: ``model@cluster``.
    stay
        The clusters that the data may reach, None where it may go anywhere: ``x-first-stay``.
    avoid
        Clusters to be used only where no other will do: ``x-first-avoid``.
    prefer
        Clusters to be used where they answer about as soon: ``x-first-prefer``.
    needs
        Abilities without which it cannot be answered: ``tools``, ``images``, ``json_schema``.
    backends
        The inference servers that will do, None where any will: an answer that has begun is to be gone on
        with.
    """

    cluster: str | None = None
    stay: frozenset[str] | None = None
    avoid: frozenset[str] = frozenset()
    prefer: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    backends: frozenset[str] | None = None

    @property
    def anywhere(self) -> bool:
        """Whether every place will do, however gladly."""
        return self.cluster is None and self.stay is None and not self.needs and self.backends is None

    def to_json(self) -> dict[str, Any]:
        """Return the clusters as plain values, in alphabetical order."""
        stay = None if self.stay is None else sorted(self.stay)
        return {"avoid": sorted(self.avoid), "prefer": sorted(self.prefer), "stay": stay}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Wishes:
        """Build it from ``to_json``'s answer."""
        stay = data["stay"]
        return cls(
            avoid=frozenset(data["avoid"]),
            prefer=frozenset(data["prefer"]),
            stay=None if stay is None else frozenset(stay),
        )

    def within(self, notebook: Wishes) -> Wishes:
        """Add the notebook's rules: they can narrow where the data may go, never widen it."""
        stays = [stay for stay in (self.stay, notebook.stay) if stay is not None]
        return Wishes(
            cluster=self.cluster,
            stay=frozenset.intersection(*stays) if stays else None,
            avoid=self.avoid | notebook.avoid,
            prefer=self.prefer or notebook.prefer,
            needs=self.needs,
            backends=self.backends,
        )


def check_clusters(names: Collection[str], known: Collection[str], param: str) -> None:
    """See that there are the clusters that somebody names.

    Raises
    ------
    ApiError
        400 naming the one that there is not, and those that there are; ``param`` is where it was named.
    """
    for name in names:
        if name not in known:
            message = f"{param}: there is no cluster named {name!r}; there are: {', '.join(sorted(known))}."
            raise ApiError(400, message, code="unknown_cluster", param=param)
