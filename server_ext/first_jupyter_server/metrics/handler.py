"""The route that Prometheus scrapes, on Jupyter's own port."""

from __future__ import annotations

from typing import Any

from prometheus_client.exposition import choose_encoder

from first_jupyter_server.auth.handler import FirstHandler, guarded

__all__ = ["default_handlers"]


class MetricsHandler(FirstHandler):
    """Answers in Prometheus' text format, or in OpenMetrics where that is asked for.

    Being scraped does not count as activity: it must not keep a Hub's server from being culled.
    """

    _track_activity = False

    @guarded
    async def get(self) -> None:
        """Read."""
        encode, content_type = choose_encoder(self.request.headers.get("Accept", ""))
        self.finish(encode(self.first.metrics.registry), set_content_type=content_type)


default_handlers: list[tuple[str, type[Any]]] = [(r"/first/metrics", MetricsHandler)]
