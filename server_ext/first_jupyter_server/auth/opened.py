"""Makes the login that a federation needs, or that somebody may ask for."""

from __future__ import annotations

import os
from collections.abc import Callable
from logging import Logger
from pathlib import Path

from first_jupyter_server import config
from first_jupyter_server.clusters import kinds

from . import scopes, service_account
from .globus import GlobusLogin
from .login import Login
from .on_demand import LoginOnDemand

__all__ = ["opened"]


def opened(
    file: config.FederationFile,
    folder: Path,
    *,
    callback: Callable[[bool | str], str],
    changed: Callable[[Login], None],
    log: Logger,
) -> LoginOnDemand:
    """Make the login.

    Parameters
    ----------
    file
        The federation.
    folder
        Where the tokens are.
    callback
        Returns where Globus sends browsers back to, by what the file says of ``redirect``.
    changed
        Called with each new state.
    log
        Where it is told what could not be done.
    """
    account = service_account.take(os.environ)
    kinds_there = [cluster.kind for cluster in file.clusters.values()]
    if file.globus is None and (folder / "tokens.json").is_file():
        kinds_there.append("globus-compute")  # somebody logged in here to find clusters
    services = scopes.wanted(kinds_there, kinds.services(file.clusters))
    section = kinds.login_section(file.globus, file.clusters)
    needed = bool(services) or file.globus is not None
    services = services or scopes.who_alone()
    login = GlobusLogin(
        services,
        section,
        folder,
        callback=lambda: callback(section.redirect),
        account=account,
        changed=changed,
        log=log,
    )
    return LoginOnDemand(login, services, needed=needed, by_itself=account is not None)
