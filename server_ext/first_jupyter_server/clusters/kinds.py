"""Makes the clusters of a federation file, each by its kind: ours, and those that other packages add.

What a kind needs is imported when a cluster of it is made: most servers have clusters of one kind or two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from first_jupyter_server import config
from first_jupyter_server.auth.scopes import Service

from .added import added
from .base import Cluster, Kind
from .surroundings import Surroundings

__all__ = ["Surroundings", "login_section", "make", "services"]


@dataclass(frozen=True)
class _Ours:
    """A kind of ours, registered as others are."""

    section: type[BaseModel]
    make: Callable[[str, Any, Surroundings], Sequence[Cluster]]


def _local(name: str, section: config.LocalCluster, here: Surroundings) -> Sequence[Cluster]:
    from .local import LocalCluster  # noqa: PLC0415

    return [LocalCluster(name, section, here)]


def _globus(name: str, section: config.GlobusComputeCluster, here: Surroundings) -> Sequence[Cluster]:
    from .globus_compute import GlobusComputeCluster  # noqa: PLC0415
    from .globus_endpoint import executor  # noqa: PLC0415

    return [GlobusComputeCluster(name, section, executor(section.endpoint, section.function, here), here)]


def _openai(name: str, section: config.OpenAISection, here: Surroundings) -> Sequence[Cluster]:
    from .openai import OpenAICluster  # noqa: PLC0415

    return [OpenAICluster(name, section, here)]


def _gateway(name: str, section: config.GatewaySection, here: Surroundings) -> Sequence[Cluster]:
    from . import first_gateway  # noqa: PLC0415

    return first_gateway.make(name, section, here)


OURS: Mapping[str, Kind] = {
    "local": _Ours(config.LocalCluster, _local),
    "globus-compute": _Ours(config.GlobusComputeCluster, _globus),
    "openai": _Ours(config.OpenAISection, _openai),
    "first-gateway": _Ours(config.GatewaySection, _gateway),
}


def make(name: str, section: config.AnyCluster, here: Surroundings) -> Sequence[Cluster]:
    """Make the clusters of a section: one, or one for each that a gateway has."""
    kind = OURS.get(section.kind) or added().kinds[section.kind]
    return kind.make(name, section, here)


def _gateways(sections: Mapping[str, config.AnyCluster]) -> Iterable[tuple[str, config.GatewaySection]]:
    return ((name, each) for name, each in sections.items() if isinstance(each, config.GatewaySection))


def services(sections: Mapping[str, config.AnyCluster]) -> list[Service]:
    """Return the services of Globus that a login is for because of gateways."""
    return [
        Service(each.server, each.title or name, "to use the models behind its gateway", (each.scope,))
        for name, each in _gateways(sections)
    ]


def login_section(
    given: config.GlobusSection | None, sections: Mapping[str, config.AnyCluster]
) -> config.GlobusSection:
    """Return how people log in: what the file says of it, and what its gateways want besides."""
    login = given or config.GlobusSection.model_validate({})
    gateways = [each for _, each in _gateways(sections)]
    policies = [*login.session_required_policies, *(policy for each in gateways for policy in each.policies)]
    wanted: dict[str, Any] = {"session_required_policies": list(dict.fromkeys(policies))}
    client = next((each.client_id for each in gateways if each.client_id), None)
    if client is not None and "client_id" not in login.model_fields_set:
        wanted["client_id"] = client
    return login.model_copy(update=wanted)
