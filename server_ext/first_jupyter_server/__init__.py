"""The Jupyter server's side of first-jupyter: a server extension named ``first``."""

from __future__ import annotations

from typing import Any

__all__ = ["_jupyter_server_extension_points"]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Tell Jupyter which application to load."""
    from .extension import FirstApp  # noqa: PLC0415  # the data plane's process imports this package without Jupyter

    return [{"module": "first_jupyter_server", "app": FirstApp}]
