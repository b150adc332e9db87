"""What all parts of the federation file have in common."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = ["NAME", "UUID", "Ability", "Strict"]

UUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"

Ability = Literal["chat", "completions", "embeddings", "responses", "tools", "images", "json_schema"]
"""What a model can do, as a file says it."""


class Strict(BaseModel):
    """A mapping whose keys are all known."""

    model_config = ConfigDict(extra="forbid", frozen=True)
