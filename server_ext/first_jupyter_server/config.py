"""The federation file: YAML, checked key by key; an error names the file, the key and the remedy."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Union

import yaml
from pydantic import Field, ValidationError, create_model, model_validator

from . import strict_yaml
from .allow import AllowRule
from .clusters.added import BUILT_IN, added
from .sections.faults import sentence
from .sections.first_gateway import GatewaySection
from .sections.globus_compute import GlobusComputeCluster, GlobusModel
from .sections.local import LocalCluster, LocalModel
from .sections.login import GlobusSection
from .sections.openai import OpenAIModel, OpenAISection
from .sections.strict import NAME, UUID, Strict

__all__ = [
    "NAME",
    "UUID",
    "AnyCluster",
    "FederationFile",
    "GatewaySection",
    "GlobusComputeCluster",
    "GlobusModel",
    "GlobusSection",
    "LocalCluster",
    "LocalModel",
    "OpenAIModel",
    "OpenAISection",
    "Problem",
    "embedded",
    "json_schema",
    "load",
    "parse",
]


class Problem(Exception):  # noqa: N818  # it is shown to a person as a problem with a file
    """A federation file that cannot be used; the message has one line for each fault."""


AnyCluster = Annotated[
    LocalCluster | GlobusComputeCluster | OpenAISection | GatewaySection, Field(discriminator="kind")
]


class FederationFile(Strict):
    """The clusters and the models on them."""

    globus: GlobusSection | None = Field(None, description="How people log in with Globus.")
    allow: list[AllowRule] = Field([], description="What may be used, by whom; nothing else may then.")
    clusters: dict[Annotated[str, Field(pattern=NAME)], AnyCluster] = Field({})

    @model_validator(mode="after")
    def _says_something(self) -> FederationFile:
        if not (self.clusters or self.allow or self.globus):
            raise ValueError("it names no clusters; begin with 'clusters:'")
        return self


def load(path: Path) -> FederationFile:
    """Read a federation file.

    Raises
    ------
    Problem
        Where it cannot be read, is no YAML, or says something that has no meaning.
    """
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise Problem(f"{path}: it cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise Problem(f"{path}: it is not text in UTF-8.") from None


def embedded() -> FederationFile:
    """Return the federation that stands ready when there is no file."""
    text = resources.files(__package__).joinpath("embedded.yaml").read_text(encoding="utf-8")
    return parse(text, "embedded.yaml")


def json_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) that editors can check a federation file with."""
    schema = FederationFile.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "first-jupyter federation",
    }


def parse(text: str, name: str) -> FederationFile:
    """Read a federation file's text.

    Raises
    ------
    Problem
        Where it is no YAML, or says something that has no meaning; `name` is what the file is called there.
    """
    try:
        data = strict_yaml.load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        why = getattr(error, "problem", None) or " ".join(str(error).split()).rstrip(".")
        raise Problem(f"{name}: it is not valid YAML{where}: {why}.") from None
    if not isinstance(data, dict):
        raise Problem(f"{name}: it must be a mapping that begins with 'clusters:'.")
    try:
        return _model(data).model_validate(data)
    except ValidationError as error:
        more = added()
        kinds = [*BUILT_IN, *more.kinds]
        faults = [sentence(fault, kinds, _keys(data), more.broken) for fault in error.errors()]
        raise Problem("\n".join(f"{name}: {fault}" for fault in faults)) from None


def _model(data: dict[str, Any]) -> type[FederationFile]:
    """Return what a file may say: of our kinds, and of those that packages add where it names one."""
    clusters = data.get("clusters")
    named = (
        {
            kind
            for each in clusters.values()
            if isinstance(each, dict) and isinstance(kind := each.get("kind"), str)
        }
        if isinstance(clusters, dict)
        else set()
    )
    if named <= {*BUILT_IN}:
        return FederationFile
    sections = (LocalCluster, GlobusComputeCluster, OpenAISection, GatewaySection)
    more = (kind.section for kind in added().kinds.values())
    any_section: Any = Union[(*sections, *more)]
    any_cluster = Annotated[any_section, Field(discriminator="kind")]
    clusters_type: Any = dict[Annotated[str, Field(pattern=NAME)], any_cluster]
    return create_model("FederationFile", __base__=FederationFile, clusters=(clusters_type, Field({})))


def _keys(data: dict[str, Any]) -> set[str]:
    """Return all keys that a file may have, wherever they stand."""
    schema = _model(data).model_json_schema()
    return {key for part in (schema, *schema["$defs"].values()) for key in part["properties"]}
