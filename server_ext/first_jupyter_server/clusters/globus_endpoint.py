"""Makes what runs first-jupyter's function on an endpoint of Globus Compute."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

from first_jupyter_server.auth.scopes import COMPUTE

from .globus_executor import GlobusExecutor
from .globus_lock import Lock
from .surroundings import Surroundings

__all__ = ["executor"]

LOCK = "first.lock.json"


def executor(endpoint: str, function: str | None, here: Surroundings) -> GlobusExecutor:
    """Make what runs first-jupyter's function on an endpoint of Globus Compute.

    Parameters
    ----------
    endpoint
        Its id.
    function
        The function to call; None registers one.
    here
        What clusters find in this server.
    """
    assert here.tokens is not None  # noqa: S101  # a server has a login, though it may be in no use
    tokens = here.tokens
    return GlobusExecutor(
        endpoint,
        authorizer=lambda: tokens.authorizer(COMPUTE),
        demanded=lambda error: tokens.demanded(error, COMPUTE),
        function=function,
        lock=Lock(_lock_folder(here) / LOCK),
        version=version("first-jupyter"),
        log=here.log,
    )


def _lock_folder(here: Surroundings) -> Path:
    """Return where the lock lies: beside the federation file, where that is this user's to write."""
    beside = here.federation_file.parent if here.federation_file is not None else here.data
    return beside if os.access(beside, os.W_OK) else here.data
