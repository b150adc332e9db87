"""What the federation file says of scaling, as plain values: by cluster and model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from first_jupyter_server.sections.globus_compute import GlobusComputeCluster
from first_jupyter_server.sections.local import LocalCluster, LocalModel
from first_jupyter_server.sections.scaling import BudgetSection

from . import tuning
from .budget import Budget
from .schedule import Schedule, parse

__all__ = ["Terms", "budgets", "shares", "terms"]

Key = tuple[str, str]
"""A cluster and a model."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is said of one model on one cluster.

    Parameters
    ----------
    least
        How many replicas are kept warm while the schedule holds.
    most
        How many there may be; None where nobody scales it.
    schedule
        When the least holds; always where None.
    slots
        Requests that one replica answers at once.
    nodes
        Nodes that one replica takes, or its share of one.
    """

    least: int = 0
    most: int | None = None
    schedule: Schedule | None = None
    slots: int = tuning.SLOTS
    nodes: float = 1.0

    def warm_until(self, now: float, lead: float) -> float | None:
        """Return until when the least is kept warm, None where it is not.

        Parameters
        ----------
        now
            The moment, in seconds since the epoch.
        lead
            Seconds by which a start is to come before the schedule begins.
        """
        if not self.least:
            return None
        if self.schedule is None:
            return float("inf")
        if (ends := self.schedule.ends(now)) is not None:
            return ends
        begins = self.schedule.begins(now)
        return self.schedule.ends(begins) if begins - lead <= now else None

    def warm_from(self, now: float, lead: float) -> float | None:
        """Return when the schedule has its next start asked for, None where there is no schedule."""
        return None if self.schedule is None or not self.least else self.schedule.begins(now) - lead


def terms(clusters: Mapping[str, Any]) -> dict[Key, Terms]:
    """Return what the file says of each model that node agents serve.

    Parameters
    ----------
    clusters
        The sections of the file, by their names.
    """
    found: dict[Key, Terms] = {}
    for name, section in clusters.items():
        if isinstance(section, LocalCluster | GlobusComputeCluster):
            nodes = shares(section.models)
            found |= {(name, model.id): _of(model, nodes[model.id]) for model in section.models}
    return found


def shares(models: Sequence[LocalModel]) -> dict[str, float]:
    """Return the nodes that one replica of each model of a cluster takes, or its share of one."""
    together = Counter(getattr(model, "together", None) for model in models)
    return {
        model.id: (getattr(model, "nodes", None) or 1) / (together[group] if group else 1)
        for model in models
        for group in (getattr(model, "together", None),)
    }


def budgets(clusters: Mapping[str, Any]) -> dict[Key, Budget]:
    """Return the budgets of clusters, under no model's name, and of models."""
    found: dict[Key, Budget] = {}
    for name, section in clusters.items():
        if isinstance(section, GlobusComputeCluster):
            parts = [("", section.budget), *((model.id, model.budget) for model in section.models)]
            found |= {(name, model): _budget(part) for model, part in parts if part is not None}
    return found


def _of(model: LocalModel, nodes: float) -> Terms:
    if not model.is_scaled:
        return Terms(slots=model.parallel or tuning.SLOTS, nodes=nodes)
    least = model.min_warm if model.min_warm is not None else int(model.schedule is not None)
    return Terms(
        least=least,
        most=model.max or max(1, least),
        schedule=None if model.schedule is None else parse(model.schedule),
        slots=model.parallel or tuning.SLOTS,
        nodes=nodes,
    )


def _budget(section: BudgetSection) -> Budget:
    return Budget(section.nodes, section.node_hours_per_day)
