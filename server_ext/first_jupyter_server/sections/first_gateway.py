"""The section of a FIRST gateway, and the gateways that first-jupyter knows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import Field, field_validator, model_validator

from .openai import is_here
from .strict import NAME, UUID, Strict

__all__ = ["GatewaySection", "profiles"]

SCOPE = r"^https://auth\.globus\.org/scopes/([0-9a-f-]{36})/\w+$"


class GatewaySection(Strict):
    """A FIRST gateway, such as ALCF's; each of its clusters is one of the federation's."""

    kind: Literal["first-gateway"]
    profile: str | None = Field(
        None, description="A gateway that is known by name: alcf. It gives all keys that are not given here."
    )
    title: str = Field("", description="What people call it; the section's name where not given.")
    url: str = Field(
        "",
        pattern=r"^(https?://[^\s/?#]+(/[^\s?#]*)?)?$",
        description="Where its routes begin, such as https://inference-api.alcf.anl.gov/resource_server.",
    )
    scope: str = Field(
        "",
        pattern=rf"^$|{SCOPE}",
        description="The scope of Globus that its tokens need, such as https://auth.globus.org/scopes/ID/action_all.",
    )
    client_id: str | None = Field(
        None,
        pattern=UUID,
        description="The native application that logs people in, where the section 'globus' names none.",
    )
    policies: list[str] = Field(
        [], description="Ids of Globus authentication policies that a login has to meet."
    )
    clusters: list[Annotated[str, Field(pattern=NAME)]] = Field(
        [], description="Which of its clusters to use."
    )
    names: dict[str, str] = Field(
        {}, description="The federation's names for models that the gateway calls otherwise."
    )

    @model_validator(mode="before")
    @classmethod
    def _with_profile(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or given.get("profile") is None:
            return given
        known = profiles()
        if given["profile"] not in known:
            raise ValueError(f"there is no profile {given['profile']!r}; there are: {', '.join(known)}")
        profile = known[given["profile"]]
        names = given.get("names")
        both = (
            {**profile.get("names", {}), **names} if isinstance(names, Mapping) else profile.get("names", {})
        )
        return {
            **profile,
            **given,
            **({"names": both} if names is None or isinstance(names, Mapping) else {}),
        }

    @field_validator("url")
    @classmethod
    def _no_end(cls, url: str) -> str:
        return url.rstrip("/")

    @model_validator(mode="after")
    def _is_whole(self) -> GatewaySection:
        for key in ("url", "scope", "clusters"):
            if not getattr(self, key):
                raise ValueError(f"name its {key}, or a profile: {', '.join(profiles())}")
        parts = urlsplit(self.url)
        if parts.scheme == "http" and not is_here(parts.hostname or ""):
            raise ValueError("its tokens would travel unencrypted: use https")
        return self

    @property
    def server(self) -> str:
        """The resource server of Globus that its tokens are for."""
        found = re.match(SCOPE, self.scope)
        return found[1] if found else ""


def profiles() -> dict[str, dict[str, Any]]:
    """Return the gateways that are known, by name."""
    folder = resources.files("first_jupyter_server").joinpath("profiles")
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    return {
        file.name.removesuffix(".yaml"): yaml.safe_load(file.read_text(encoding="utf-8"))
        for file in files
        if file.name.endswith(".yaml")
    }
