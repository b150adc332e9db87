"""What the documentation says of the federation file is what the server reads."""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from first_jupyter_server import config
from first_jupyter_server.allow import AllowRule
from first_jupyter_server.sections.local import WeightsSource
from first_jupyter_server.sections.scaling import BudgetSection, ScaledModel
from pydantic import BaseModel

DOCS = Path(__file__).parents[2] / "docs"
TABLES = (DOCS / "federation.md").read_text()
EXAMPLES = [
    pytest.param(example, id=f"{page.name}-{number}")
    for page in sorted(DOCS.glob("*.md"))
    for number, example in enumerate(
        re.findall(r"^```yaml\n(\S.*?)```", page.read_text(), re.DOTALL | re.MULTILINE)
    )
    if yaml.safe_load(example) is not None  # a comment alone
]
SECTIONS = [
    config.FederationFile,
    config.GlobusSection,
    AllowRule,
    config.LocalCluster,
    config.LocalModel,
    WeightsSource,
    ScaledModel,
    BudgetSection,
    config.GlobusComputeCluster,
    config.GlobusModel,
    config.OpenAISection,
    config.OpenAIModel,
    config.GatewaySection,
]


def keys(section: type[BaseModel]) -> set[str]:
    """Return the keys that a section has of its own."""
    return {key for key in section.model_fields if key in section.__annotations__}


def said(value: object) -> Iterator[tuple[type, str]]:
    """Yield the keys that a federation file gives, each with the section that it belongs to."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from said(each)
    elif isinstance(value, BaseModel):
        given = value.model_fields_set
        if "profile" in given:
            given = {"profile"}  # the others may be the profile's
        for key in given:
            yield from ((section, key) for section in type(value).__mro__)
            yield from said(getattr(value, key))


def sections(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield all sections that a key's type leads to."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from sections(field.annotation)
    for part in typing.get_args(annotation):
        yield from sections(part)


def test_the_schema_for_editors_is_up_to_date():
    written = json.loads((DOCS / "federation.schema.json").read_text())
    assert written == config.json_schema(), "write docs/federation.schema.json anew from config.json_schema()"


def test_the_administrators_example_names_the_schema():
    text = (DOCS / "administrators.md").read_text()
    assert "```yaml\n# yaml-language-server: $schema=federation.schema.json\nclusters:" in text


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_valid(example):
    assert config.parse(example, "docs")


def test_no_section_is_left_out_here():
    assert set(sections(config.FederationFile)) <= set(SECTIONS)


@pytest.mark.parametrize("section", SECTIONS)
def test_each_key_has_an_example(section):
    shown = {
        key
        for each in EXAMPLES
        for where, key in said(config.parse(*each.values, "docs"))
        if where is section
    }
    assert keys(section) - shown == set()


@pytest.mark.parametrize("section", SECTIONS[1:])
def test_each_key_has_a_line_in_a_table(section):
    lines = re.findall(r"^\| .*?`.*?\|", TABLES, re.MULTILINE)
    named = {key.rpartition(".")[2] for line in lines for key in re.findall(r"`([a-z0-9_.]+)`", line)}
    assert keys(section) - named - {"kind", "models"} == set()
