"""Makes who answers the rows of a batch: the data plane, and shards where only Globus Compute leads."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from first_jupyter_server.dataplane.pool import Pool
from first_jupyter_server.federation.catalog import Catalog, Replica
from first_jupyter_server.federation.wishes import Wishes
from first_jupyter_server.paths import relay_socket

from .asked import WISHES
from .both_ways import BothWays
from .objects import Json
from .relayed import goes_elsewhere, relayed
from .shards import Shards
from .through_plane import ThroughPlane, Way

__all__ = ["Executors"]


class Executors:
    """What all of them share.

    Parameters
    ----------
    config
        The data plane's port and keys, and the socket of what is relayed.
    catalog
        Returns the catalog as it is now.
    """

    def __init__(self, config: Json, catalog: Callable[[], Catalog]) -> None:
        self._catalog, self._relay = catalog, config["relay"]
        self._plane = Pool("127.0.0.1", config["port"])
        self._keys = (
            (b"authorization", b"Bearer " + config["key"].encode()),
            (b"x-first-batch-key", config["batch_key"].encode()),
        )

    def of(self, batch: Json) -> BothWays:
        """Make that of a batch."""
        asked = [(name, batch["first"].get(name.removeprefix("x-first-"))) for name in WISHES]
        headers = [(name.encode(), value.encode()) for name, value in asked if value]
        way = Way(self._plane, (*self._keys, (b"x-first-batch", batch["id"].encode()), *headers))
        wishes = _wishes(batch["first"])

        def now() -> dict[str, tuple[Replica, str]]:
            return relayed(self._catalog(), batch["model"], wishes).there

        return BothWays(
            ThroughPlane(batch["id"], batch["endpoint"], way),
            Shards(
                batch["id"],
                batch["endpoint"],
                self._way,
                now,
                lambda row, cluster: goes_elsewhere(self._catalog(), row.body, cluster),
            ),
            lambda: relayed(self._catalog(), batch["model"], wishes).alone,
        )

    def _way(self, replica: Replica) -> Pool:
        return Pool("relay", 0, way=partial(relay_socket.dial, self._relay, replica.id))


def _wishes(first: Json) -> Wishes:
    avoid, stay = (
        None if first.get(name) is None else frozenset(filter(None, map(str.strip, first[name].split(","))))
        for name in ("avoid", "stay")
    )
    return Wishes(avoid=avoid or frozenset(), stay=stay)
