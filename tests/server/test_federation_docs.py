"""What the documentation says of the federation file is what the server reads."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from first_jupyter_server import config

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", (DOCS / "administrators.md").read_text(), re.DOTALL)
FEDERATION = (DOCS / "federation.md").read_text()
SECTIONS = re.findall(r"```yaml\n(clusters:.*?)```", FEDERATION, re.DOTALL)


def test_the_schema_for_editors_is_up_to_date():
    written = json.loads((DOCS / "federation.schema.json").read_text())
    assert written == config.json_schema(), "write docs/federation.schema.json anew from config.json_schema()"


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_administrators_example_is_valid(tmp_path, example):
    file = tmp_path / "first.yaml"
    file.write_text(example)
    assert len(config.load(file).clusters["workstation"].models) == 3


def test_the_administrators_example_names_the_schema():
    assert EXAMPLES[0].startswith("# yaml-language-server: $schema=federation.schema.json\n")


@pytest.mark.parametrize("example", SECTIONS)
def test_an_example_of_clusters_is_valid(example):
    assert config.parse(example, "docs/federation.md").clusters


@pytest.mark.parametrize("section", [config.OpenAISection, config.OpenAIModel, config.GatewaySection])
def test_each_key_of_the_kinds_that_are_asked_has_an_example_and_a_line(section):
    keys = section.model_fields.keys() - {"kind"}
    assert [key for key in keys if not any(re.search(rf"\b{key}:", example) for example in SECTIONS)] == []
    assert [
        key for key in keys if not re.search(rf"^\| .*`(models\.)?{key}`.* \|", FEDERATION, re.MULTILINE)
    ] == []
