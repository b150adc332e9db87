"""Measure what it costs to decide on a request and to remember why: ``python benchmarks/router.py``."""

from __future__ import annotations

import random
import statistics
import time

from first_jupyter_server.dataplane.traffic import Traffic
from first_jupyter_server.federation.affinity import trail
from first_jupyter_server.federation.catalog import Model, Place, Replica, State
from first_jupyter_server.federation.wishes import Wishes

SIZES = ((1, 1), (10, 3), (100, 10), (1_000, 30), (1_000, 1), (10_000, 30))
"""Replicas, and the clusters that they are spread over."""

ROUNDS, DECISIONS = 60, 50
SLOTS = 32
ANYWHERE = Wishes()
MESSAGES = {"messages": [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi"}]}


def model_of(replicas: int, clusters: int) -> Model:
    """Return a model that is hot everywhere."""
    places = tuple(
        Place(
            f"c{cluster}",
            "globus-compute",
            "vllm",
            State.HOT,
            replicas=tuple(
                Replica(f"c{cluster}-{number}", "127.0.0.1", 8000, slots=SLOTS)
                for number in range(replicas // clusters)
            ),
        )
        for cluster in range(clusters)
    )
    return Model("org/model", places=places)


def loaded(model: Model, chance: random.Random) -> Traffic:
    """Return the data plane's own view, with each replica measured and under some load."""
    traffic = Traffic()
    measures, now = traffic.measures(model.id), traffic.clock()
    for place in model.places:
        for replica in place.replicas:
            for _ in range(chance.randrange(SLOTS)):
                measures.took(replica)
            for seen in (measures.began, measures.ended):
                seen(replica, place.cluster, chance.uniform(0.2, 0.6), crowd=1.0, now=now)
    return traffic


def cost(
    traffic: Traffic, model: Model, wishes: Wishes, conversation: tuple[int, ...]
) -> tuple[float, float]:
    """Return the microseconds of CPU that one decision costs: the least and the median of all rounds."""
    rounds = []
    for _ in range(ROUNDS):
        begun = time.thread_time()
        for _ in range(DECISIONS):
            traffic.decide(model, wishes, conversation, ()).record()
        rounds.append((time.thread_time() - begun) / DECISIONS * 1e6)
    return min(rounds), statistics.median(rounds)


def main() -> None:
    """Print the figures as a table."""
    chance = random.Random(1)  # the same load each time
    print("| replicas | clusters | request | least µs | median µs |\n| ---: | ---: | --- | ---: | ---: |")
    for replicas, clusters in SIZES:
        model = model_of(replicas, clusters)
        traffic = loaded(model, chance)
        last = model.places[-1]
        conversation = trail(MESSAGES)
        traffic.affinity.keep(model.id, conversation, (last.cluster, last.replicas[-1].id), traffic.clock())
        fussy = Wishes(prefer=frozenset({"c0"}), needs=frozenset({"tools"}))
        for name, wishes, said in (
            ("a new one", ANYWHERE, ()),
            ("a conversation goes on", ANYWHERE, conversation),
            ("with wishes", fussy, ()),
        ):
            least, median = cost(traffic, model, wishes, said)
            print(f"| {replicas:,} | {clusters} | {name} | {least:.1f} | {median:.1f} |")


if __name__ == "__main__":
    main()
