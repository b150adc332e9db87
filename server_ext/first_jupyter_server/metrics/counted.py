"""What has happened since this server started: requests, rows of batches, and starts of replicas."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram

from first_jupyter_server.federation.catalog import Catalog, Lease

__all__ = ["COMING", "WHERE", "Counted"]

WHERE = ("model_name", "cluster")
"""The labels of what belongs to a model; the cluster is empty where a request reached none."""

COMING = ("queued", "fetching", "loading", "warming")
"""The stages of a replica that is on its way."""

_FIRST_TOKEN = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0),
    *(40.0, 80.0, 160.0, 640.0, 2560.0),
)
_WHOLE = (
    *(0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0),
    *(960.0, 1920.0, 7680.0),
)
_EACH_TOKEN = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0),
    80.0,
)
"""All as vLLM has them, so that one dashboard shows its histograms and ours side by side."""

_START = (1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 3600.0, 10800.0, 43200.0)


class Counted:
    """Counters and histograms, fed with what the extension is told anyhow.

    Parameters
    ----------
    registry
        Where they are read.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *more: str) -> Counter:
            return Counter(f"first:{name}", text, (*WHERE, *more), registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"first:{name}", text, WHERE, registry=registry, buckets=buckets)

        self._success = counter("request_success", "Requests that were answered whole.")
        self._failure = counter("request_failure", "Requests that failed, by the error's code.", "code")
        self._cancelled = counter("request_cancelled", "Requests whose client left before the end.")
        self._prompt = counter("prompt_tokens", "Tokens read, rows of batches among them.")
        self._generation = counter("generation_tokens", "Tokens written, rows of batches among them.")
        self._first_token = histogram(
            "time_to_first_token_seconds",
            "From a request to the first token of a streamed answer, the wait for the model included.",
            _FIRST_TOKEN,
        )
        self._whole = histogram(
            "e2e_request_latency_seconds", "From a request to the end of an answer that is whole.", _WHOLE
        )
        self._each_token = histogram(
            "request_time_per_output_token_seconds",
            "From the first token of a streamed answer to its end, for each further token.",
            _EACH_TOKEN,
        )
        self._rows = counter("batch_rows", "Rows of batches that are done or have failed.", "result")
        self._starts = counter(
            "replica_starts", "Replicas that were asked for, and became ready or ended before.", "result"
        )
        self._start = histogram(
            "replica_start_seconds",
            "From the wish for a replica until it was ready, the queue included.",
            _START,
        )

    def requests(self, outcomes: Iterable[dict[str, Any]]) -> None:
        """Count requests that have ended."""
        for each in outcomes:
            where = each["model"], each["cluster"] or ""
            self._tokens(where, each)
            if each["streamed"] and each["first_byte_s"] is not None:
                self._first_token.labels(*where).observe(each["first_byte_s"])
            if each["outcome"] == "cancelled":
                self._cancelled.labels(*where).inc()
            elif each["outcome"] != "ok" or each["status"] >= 400:
                code = each["outcome"] if each["outcome"] != "ok" else f"http_{each['status']}"
                self._failure.labels(*where, code).inc()
            else:
                self._success.labels(*where).inc()
                self._whole.labels(*where).observe(each["total_s"])
                self._pace(where, each)

    def rows(self, sums: Iterable[dict[str, Any]]) -> None:
        """Count rows of batches, by the sums that the ledger gets."""
        for each in sums:
            where = each["model"], each["cluster"]
            self._tokens(where, each)
            self._rows.labels(*where, "done").inc(each["requests"] - each["failed"])
            self._rows.labels(*where, "failed").inc(each["failed"])

    def catalog(self, old: Catalog, new: Catalog) -> None:
        """Count the starts that have come to an end between two catalogs."""
        now, leases = time.time(), _leases(new)
        for key, before in _leases(old).items():
            if before.stage not in COMING:
                continue
            where, lease = key[:2], leases.get(key)
            if lease is not None and lease.stage == "ready":
                self._starts.labels(*where, "ready").inc()
                if lease.since is not None:
                    self._start.labels(*where).observe(max(0.0, now - lease.since))
            elif lease is None or lease.stage not in COMING:
                self._starts.labels(*where, "ended").inc()

    def _pace(self, where: tuple[str, str], told: dict[str, Any]) -> None:
        """Count how fast a whole answer was written, where its server tells the number of its tokens."""
        further = (told["completion_tokens"] or 0) - 1
        if told["streamed"] and told["first_byte_s"] is not None and further > 0:
            seconds = (told["total_s"] - told["first_byte_s"]) / further
            self._each_token.labels(*where).observe(seconds)

    def _tokens(self, where: tuple[str, str], told: dict[str, Any]) -> None:
        self._prompt.labels(*where).inc(told["prompt_tokens"] or 0)
        self._generation.labels(*where).inc(told["completion_tokens"] or 0)


def _leases(catalog: Catalog) -> dict[tuple[str, str, str], Lease]:
    return {
        (model.id, place.cluster, lease.replica): lease
        for model in catalog.models
        for place in model.places
        for lease in place.leases
    }
