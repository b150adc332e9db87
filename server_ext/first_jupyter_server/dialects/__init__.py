"""How servers that are not ours say no, put into the terms of the data plane; one file for each kind."""

from __future__ import annotations

from . import first_gateway, openai
from .no import No

__all__ = ["cuts", "read", "speaks"]

_BY_KIND = {"first-gateway": first_gateway.no, "openai": openai.no}


def speaks(kind: str) -> bool:
    """Say whether refusals of a kind's servers need to be read."""
    return kind in _BY_KIND


def cuts(kind: str) -> bool:
    """Say whether a kind's servers are known to end streams that are not whole as if they were.

    FIRST's gateways do, 5 s after the last piece that they were given.
    """
    return kind == "first-gateway"


def read(kind: str, status: int, body: bytes, cluster: str) -> No | None:
    """Read a refusal; None where it is to be told as it is.

    Parameters
    ----------
    kind, cluster
        Whose it is.
    status, body
        What it says.
    """
    reader = _BY_KIND.get(kind)
    return reader(status, body, cluster) if reader is not None else None
