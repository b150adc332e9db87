"""The end of a replica's log: of one that runs, else of the last one that failed."""

from __future__ import annotations

import asyncio
import time

from first_jupyter_server.clusters.scalable import Log, Scalable
from first_jupyter_server.errors import ApiError

from .catalog import Lease, Model, Place, lease_of
from .federation import Federation

__all__ = ["Logs"]


class Logs:
    """The logs of a federation's replicas.

    Parameters
    ----------
    federation
        Whose.
    """

    def __init__(self, federation: Federation) -> None:
        self._federation = federation
        self._asking: dict[str, asyncio.Task[Log]] = {}

    async def log(
        self, name: str, cluster: str | None = None, replica: str | None = None
    ) -> tuple[Model, Log]:
        """Return the end of a log.

        Parameters
        ----------
        name, cluster
            The model, and where if not anywhere.
        replica
            The replica; by default the one that is furthest on, else the last one that failed.

        Raises
        ------
        ApiError
            404 where there is no such model, cluster, replica or log; 502 where a cluster does not tell.
        """
        model, places = self._federation.places(name, cluster)
        scalable = [
            place for place in places if isinstance(self._federation.cluster(place.cluster), Scalable)
        ]
        failures = [failure for place in scalable if (failure := self._failure(model, place)) is not None]
        begun = [(place, lease) for place in scalable for lease in place.leases if lease.node is not None]
        if replica is not None:
            failures = [failure for failure in failures if failure.replica == replica]
            begun = [(place, lease) for place, lease in begun if lease.replica == replica]
        if begun:
            return model, await self._now(*begun[0])
        if failures:
            return model, max(failures, key=lambda failure: failure.at)
        if replica is not None:
            lease_of(model, places, replica)
            message = f"{replica} has no log yet: it has not begun."
        else:
            where = f" on {cluster}" if cluster else ""
            message = (
                f"There is no log of {model.id}{where} to show: no replica of it runs, and its last one did "
                "not fail, was another server's, or ended before this one was started."
            )
        raise ApiError(404, message, code="no_log", param="model" if replica is None else "replica")

    def _failure(self, model: Model, place: Place) -> Log | None:
        cluster = self._federation.cluster(place.cluster)
        return cluster.failure(model.id) if isinstance(cluster, Scalable) else None

    async def _now(self, place: Place, lease: Lease) -> Log:
        """Return the log of a replica that runs; who asks meanwhile gets the same."""
        if lease.replica not in self._asking:
            task = self._asking[lease.replica] = asyncio.create_task(self._ask(place, lease))
            task.add_done_callback(lambda _: self._asking.pop(lease.replica))
        return await asyncio.shield(self._asking[lease.replica])

    async def _ask(self, place: Place, lease: Lease) -> Log:
        cluster = self._federation.cluster(place.cluster)
        assert isinstance(cluster, Scalable)  # noqa: S101  # others were left out
        lines, file = await cluster.tail(lease.replica)
        return Log(place.cluster, lease.replica, lease.node, time.time(), "", tuple(lines), file)
