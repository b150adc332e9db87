"""A batch that asks for more replicas has them started on more clusters."""

import pytest
from first_jupyter_server.federation.catalog import Lease, Model, Place, Replica, State
from first_jupyter_server.federation.spreading import clusters_to_start


def place(cluster, state=State.COLD, eta=None, **more):
    return Place(cluster, "local", "vllm", state, eta=eta, **more)


HOT = place("hot", State.HOT, replicas=(Replica("r1", "host", 1),))
TWO = place("two", State.HOT, replicas=(Replica("r1", "host", 1), Replica("r2", "host", 2)))
STARTING = place("starting", State.STARTING, leases=(Lease("r3", "loading"),))


@pytest.mark.parametrize(
    ("places", "wanted", "expected"),
    [
        ([HOT, place("a")], 1, []),
        ([HOT, place("a")], 2, ["a"]),
        ([TWO, place("a")], 2, []),
        ([HOT, STARTING, place("a")], 2, []),
        ([HOT, place("a", eta=90.0), place("b", eta=30.0)], 2, ["b"]),
        ([HOT, place("a", eta=90.0), place("b", eta=30.0)], 9, ["b", "a"]),
        ([HOT, place("a", barred=True), place("b", State.OFFLINE)], 3, []),
        ([place("a")], 1, ["a"]),
    ],
)
def test_clusters_that_could_start_it_soonest_do(places, wanted, expected):
    assert clusters_to_start(Model("m", places=tuple(places)), wanted) == expected
