"""The route that Prometheus scrapes, on Jupyter's own port."""

from __future__ import annotations

from typing import Any

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from first_jupyter_server.auth.handler import FirstHandler, guarded

__all__ = ["default_handlers"]


class MetricsHandler(FirstHandler):
    """Answers in Prometheus' text format.

    Not in OpenMetrics, whatever is asked for: there the library writes the colon of our names otherwise in
    samples than in their headings. Being scraped does not count as activity: it must not keep a Hub's server
    from being culled.
    """

    _track_activity = False

    @guarded
    async def get(self) -> None:
        """Read."""
        text = generate_latest(self.first.metrics.registry)
        self.finish(text, set_content_type=CONTENT_TYPE_PLAIN_0_0_4)


default_handlers: list[tuple[str, type[Any]]] = [(r"/first/metrics", MetricsHandler)]
