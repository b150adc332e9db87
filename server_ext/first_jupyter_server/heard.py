"""What the data plane and the process of batches say, and what follows from it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from .errors import ApiError
from .federation.spreading import clusters_to_start
from .federation.survey import without_rows

if TYPE_CHECKING:
    from .extension import FirstApp

__all__ = ["of_batches", "of_dataplane"]


def of_dataplane(first: FirstApp, message: dict[str, Any]) -> None:
    """Take a message from the data plane."""
    match message["type"]:
        case "start":
            with contextlib.suppress(ApiError):  # what was asked for is gone, and the request is told so
                first.federation.start(message["model"], message["cluster"])
        case "unreachable":
            first.federation.unreachable(message["replica"], message["reason"])
        case "load":
            first.control.counts = {
                (model, cluster): (run, wait) for model, cluster, run, wait in message["counts"]
            }
            rows = {(model, cluster): number for model, cluster, number in message["rows"]}
            first.scaler.load(without_rows(first.control.counts, rows), message["running"])
        case "done":
            _account(first, message["outcomes"])
            first.activity.note()
            first.news.usage()
        case "tunnel":
            of = first.rooms if message["path"] == "rendezvous" else first.doors
            of.told(message["replica"], is_open=message["open"])
        case "rendezvous":
            first.rooms.troubled(message["replica"], message["trouble"])
        case "ready":
            first.rooms.open_all()
        case "ended":
            first.control.counts = {}  # what it was answering has ended with it
            first.doors.all_shut()
            first.rooms.all_shut()
        case "control":
            first.federation.do(_reply(first, message))


def of_batches(first: FirstApp, message: dict[str, Any]) -> None:
    """Take a message from the process of batches."""
    match message["type"]:
        case "batch":
            first.news.batch(message["event"])
        case "rows":
            first.ledger.add_rows(message["sums"])
            first.metrics.counted.rows(message["sums"])
            first.news.usage()
        case "wants":
            first.batches_under_way = message["batches"]
            first.scaler.batches_want(message["replicas"])
            for model, replicas in message["replicas"].items():
                _spread(first, model, replicas)


def _account(first: FirstApp, outcomes: list[dict[str, Any]]) -> None:
    """Enter requests that have ended, and tell of them by the id that their clients know."""
    named = first.notebooks.named(outcomes)
    first.ledger.add(named)
    first.metrics.counted.requests(outcomes)
    first.requests.add(named)


def _spread(first: FirstApp, name: str, replicas: int) -> None:
    """Have a model on more clusters, where a batch asks for more than its rows would have started."""
    model = first.federation.catalog().find(name)
    for cluster in clusters_to_start(model, replicas) if model is not None and replicas > 1 else ():
        with contextlib.suppress(ApiError):  # the budget is spent: it goes on with what there is
            first.federation.start(name, cluster)


async def _reply(first: FirstApp, message: dict[str, Any]) -> None:
    """Answer a control request that came over the data plane's port."""
    try:
        status, body = await first.control.handle(
            message["method"], message["path"], message["body"].encode()
        )
    except Exception:
        first.log.exception("%s %s failed", message["method"], message["path"].partition("?")[0])
        text = "The Jupyter server stumbled over this request; its log says how. Please report it."
        error = ApiError(500, text, kind="server_error", code="internal_error")
        status, body = error.status, error.to_json()
    first.dataplane.reply(message["id"], status, body)
