"""Makes the clusters of a federation file, each by its kind: ours, and those that other packages add."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from first_jupyter_server import config
from first_jupyter_server.auth.scopes import Service

from . import first_gateway
from .added import added
from .base import Cluster, Kind
from .globus_compute import GlobusComputeCluster
from .globus_endpoint import executor
from .local import LocalCluster
from .openai import OpenAICluster
from .surroundings import Surroundings

__all__ = ["Surroundings", "login_section", "make", "services"]


@dataclass(frozen=True)
class _Ours:
    """A kind of ours, registered as others are."""

    section: type[BaseModel]
    make: Callable[[str, Any, Surroundings], Sequence[Cluster]]


def _globus(name: str, section: config.GlobusComputeCluster, here: Surroundings) -> list[Cluster]:
    return [GlobusComputeCluster(name, section, executor(section.endpoint, section.function, here), here)]


OURS: Mapping[str, Kind] = {
    "local": _Ours(config.LocalCluster, lambda *given: [LocalCluster(*given)]),
    "globus-compute": _Ours(config.GlobusComputeCluster, _globus),
    "openai": _Ours(config.OpenAISection, lambda *given: [OpenAICluster(*given)]),
    "first-gateway": _Ours(config.GatewaySection, first_gateway.make),
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
