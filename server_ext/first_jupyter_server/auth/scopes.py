"""What a login asks for: the scopes that the federation's clusters need, and who is there; no more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["AUTH", "COMPUTE", "Service", "Wanted", "wanted"]

AUTH = "auth.globus.org"
COMPUTE = "funcx_service"


@dataclass(frozen=True, slots=True)
class Service:
    """A service of Globus, by the resource server that its tokens are for.

    Parameters
    ----------
    server
        The resource server's name in token answers.
    name
        What a person calls it.
    why
        What its tokens are used for.
    scopes
        What is asked of it.
    """

    server: str
    name: str
    why: str
    scopes: tuple[str, ...]


Wanted = Mapping[str, Service]
"""The services that a login is for, by resource server."""

_WHO = Service(AUTH, "Globus Auth", "to show who is logged in", ("openid", "profile"))

_BY_KIND = {
    "globus-compute": Service(
        COMPUTE,
        "Globus Compute",
        "to start and stop models on your clusters",
        ("https://auth.globus.org/scopes/facd7ccc-c5f4-42aa-916b-a0e270e2c2a9/all",),
    ),
}


def wanted(kinds: Iterable[str], more: Iterable[Service] = ()) -> dict[str, Service]:
    """Return the services that a login is for, and nothing where no cluster needs Globus.

    Parameters
    ----------
    kinds
        The kinds of the clusters.
    more
        What single clusters need besides.
    """
    services = {service.server: service for kind in kinds if (service := _BY_KIND.get(kind))}
    services |= {service.server: service for service in more}
    return {_WHO.server: _WHO, **services} if services else {}


def who_alone() -> dict[str, Service]:
    """Return what a login is for where no cluster needs one and the site asks for it anyway."""
    return {_WHO.server: _WHO}
