"""A server extension for benchmarks alone: one cluster whose one replica is the fake upstream, always hot."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

from first_jupyter_server.clusters.base import Cluster, Offer, Status
from first_jupyter_server.federation.catalog import Place, Replica, State
from upstream import MODEL


class StaticCluster:
    """The upstream as a cluster.

    Parameters
    ----------
    host, port
        Where it answers.
    """

    name, kind, status = "benchmark", "static", Status("online")
    unstoppable = "it belongs to the benchmark"

    def __init__(self, host: str, port: int) -> None:
        place = Place(
            self.name,
            self.kind,
            "vllm",
            State.HOT,
            "it is always hot",
            replicas=(Replica("fake", host, port),),
        )
        self._offer = Offer(id=MODEL, aliases=(), abilities=("chat",), context=8192, place=place)

    def offers(self) -> list[Offer]:
        """Return the one offer."""
        return [self._offer]

    async def open(self) -> None:
        """Do nothing: it runs."""

    async def start(self, model: str, hold: float | None = None) -> None:
        """Do nothing: it runs."""

    async def stop(self, model: str) -> None:
        """Do nothing: it belongs to the benchmark."""

    def unreachable(self, replica: str, reason: str) -> None:
        """Do nothing: the benchmark will see for itself."""

    async def close(self) -> None:
        """Do nothing."""


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "static_catalog"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Add the cluster to the extension, which is loaded before: its name comes first."""
    (first,) = server.extension_manager.extension_apps["first_jupyter_server"]
    where = urlsplit(os.environ["FIRST_BENCH_UPSTREAM"])
    cluster: Cluster = StaticCluster(where.hostname or "127.0.0.1", where.port or 80)
    first.federation.add(cluster)
