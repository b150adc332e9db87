"""The section of an OpenAI-compatible server."""

from __future__ import annotations

import ipaddress
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from .strict import Ability, Strict

__all__ = ["OpenAIModel", "OpenAISection", "is_here"]


class OpenAIModel(Strict):
    """One model of an OpenAI-compatible server."""

    id: str = Field(min_length=1, description="The model's name in requests.")
    name: str | None = Field(None, min_length=1, description="What the server calls it, where not that.")
    aliases: list[str] = Field([], description="Further names for it.")
    context: int | None = Field(None, gt=0, description="Context length in tokens; as the server tells.")
    abilities: list[Ability] | None = Field(
        None, description="What it can do, where the server does not tell or is wrong."
    )


class OpenAISection(Strict):
    """Any server that speaks OpenAI's API: a campus vLLM, LiteLLM, OpenAI."""

    kind: Literal["openai"]
    url: str = Field(
        pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$",
        description="Where its API begins, such as https://llm.campus.edu/v1.",
    )
    key_env: str | None = Field(
        None, min_length=1, description="The environment variable of the Jupyter server that holds the key."
    )
    key_file: str | None = Field(
        None, min_length=1, description="The file that holds the key; for its owner alone (mode 0600)."
    )
    insecure: bool = Field(False, description="Send the key over plain HTTP to another machine all the same.")
    backend: Literal["vllm", "llama.cpp", "other"] = Field(
        "other", description="The inference server behind it; what it can do for an answer that broke off."
    )
    models: list[OpenAIModel] | None = Field(
        None, min_length=1, description="The models to use; all that it lists, where not given."
    )

    @field_validator("url")
    @classmethod
    def _no_end(cls, url: str) -> str:
        return url.rstrip("/")

    @model_validator(mode="after")
    def _one_key(self) -> OpenAISection:
        if self.key_env is not None and self.key_file is not None:
            raise ValueError("give either key_env or key_file")
        parts = urlsplit(self.url)
        if parts.username is not None:
            raise ValueError("take the name and password out of the url; key_env or key_file holds the key")
        has_key = self.key_env is not None or self.key_file is not None
        if has_key and parts.scheme == "http" and not self.insecure and not is_here(parts.hostname or ""):
            raise ValueError(
                "its key would travel unencrypted: use https, or say insecure: true where the network is safe"
            )
        return self

    @model_validator(mode="after")
    def _each_name_once(self) -> OpenAISection:
        names = [name.lower() for model in self.models or () for name in {model.id, *model.aliases}]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"two models share the name '{twice[0]}'; give each names of its own")
        return self


def is_here(host: str) -> bool:
    """Say whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
