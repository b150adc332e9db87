"""What may be spent on a cluster or a model, and what has been: pure, with the moment passed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["Budget", "Spent", "spend"]

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Budget:
    """How much may be used.

    Parameters
    ----------
    nodes
        Nodes at once, those included that are asked for; as many as there are where None.
    node_hours
        Node-hours a day, from midnight to midnight by the server's clock; unlimited where None.
    """

    nodes: float | None = None
    node_hours: float | None = None

    def is_spent(self, spent: Spent) -> bool:
        """Whether nothing is left of today's node-hours."""
        return self.node_hours is not None and spent.node_seconds >= self.node_hours * HOUR

    def refusal(self, spent: Spent, in_use: float, more: float) -> str:
        """Say why so many more nodes may not be asked for now; nothing where they may.

        Parameters
        ----------
        spent
            What has been used today.
        in_use
            Nodes that are in use or asked for.
        more
            Nodes that one more replica takes.
        """
        if self.is_spent(spent):
            return f"the {self.node_hours:g} node-hours of today are spent; there are more from midnight on"
        if self.nodes is not None and in_use + more > self.nodes:
            return f"{in_use:g} of {self.nodes:g} nodes are in use, and it takes {more:g} more"
        return ""


@dataclass(frozen=True, slots=True)
class Spent:
    """What has been used on one day.

    Parameters
    ----------
    day
        The day as an ISO date, by the server's clock.
    node_seconds
        Seconds times nodes.
    """

    day: str = ""
    node_seconds: float = 0.0


def spend(spent: Spent, nodes: float, since: float, now: float) -> Spent:
    """Add what has been used since the last look; a new day begins with what was used since midnight.

    Parameters
    ----------
    spent
        What had been used by then.
    nodes
        Nodes that were in use.
    since, now
        Two moments, in seconds since the epoch.
    """
    midnight = datetime.fromtimestamp(now).replace(  # noqa: DTZ006  # the day of the people here
        hour=0, minute=0, second=0, microsecond=0
    )
    day = midnight.date().isoformat()
    before = spent.node_seconds if spent.day == day else 0.0
    used = now - max(since, midnight.timestamp())
    return Spent(day, before + nodes * max(0.0, used))


def midnight_after(now: float) -> float:
    """Return when the next day begins, by the server's clock."""
    tomorrow = datetime.fromtimestamp(now).date() + timedelta(days=1)  # noqa: DTZ006
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day).timestamp()  # noqa: DTZ001
