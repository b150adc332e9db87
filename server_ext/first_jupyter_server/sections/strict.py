"""What all parts of the federation file have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["NAME", "UUID", "Strict"]

UUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"


class Strict(BaseModel):
    """A mapping whose keys are all known."""

    model_config = ConfigDict(extra="forbid", frozen=True)
