"""How servers that are not ours say no, put into the terms of the data plane; one file for each kind."""

from __future__ import annotations

from first_jupyter_server.errors import ApiError

from . import first_gateway, openai
from .no import No, Then

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

    Notes
    -----
    No redirect is followed, nor passed on: a client would follow it with the prompt, and one that leads back
    here with our key.
    """
    if 300 <= status < 400:
        place = f"it sends requests elsewhere (status {status})"
        message = f"{cluster}: {place}, and none is sent there. Correct its address in the federation file."
        error = ApiError(502, message, kind="server_error", code="redirected", final=True)
        return No(Then.ELSEWHERE, error, place=place)
    reader = _BY_KIND.get(kind)
    return reader(status, body, cluster) if reader is not None else None
