"""An endpoint of Globus Compute: what runs first-jupyter's function there, and what jobs are asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from first_jupyter_server import config
from first_jupyter_server.auth.scopes import COMPUTE

from .globus_executor import GlobusExecutor
from .globus_lock import Lock
from .surroundings import Surroundings

__all__ = ["executor", "job"]

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


def job(settings: Mapping[str, Any], models: Sequence[config.GlobusModel]) -> dict[str, Any]:
    """Return what a job that serves these models together is asked for.

    Parameters
    ----------
    settings
        What all jobs of the cluster are asked for.
    models
        The models, the one first that somebody wants.
    """
    gpus = [model.gpus for model in models if model.gpus is not None]
    total = max if all(model.sleep_after is not None for model in models) else sum
    asked = {"nodes": models[0].nodes, "gpus": total(gpus) if len(gpus) == len(models) else None}
    asked |= {**settings, **models[0].user_endpoint_config}
    return {**{key: value for key, value in asked.items() if value is not None}, "role": "serve"}
