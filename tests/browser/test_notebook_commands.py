"""Commands for the cell at hand, the notifications of starts, settings and languages, in one JupyterLab."""

import json
import shlex
import sys
from importlib import resources
from pathlib import Path

import pytest
import yaml
from lab import EMPTY_NOTEBOOK, running_lab

pytestmark = [pytest.mark.browser, pytest.mark.model]

OVERRIDES = {"first-jupyter:settings": {"client": "openai"}}


def federation(folder):
    """The small model, one that starts when a file is there, and one that cannot start."""
    text = resources.files("first_jupyter_server").joinpath("embedded.yaml").read_text()
    small = yaml.safe_load(text)["clusters"]["local"]["models"][0]
    gated = folder / "gated"
    gated.write_text(
        f'#!/bin/sh\nwhile [ ! -e "$0.open" ]; do sleep 0.1; done\nexec {shlex.quote(sys.executable)} "$@"\n'
    )
    gated.chmod(0o755)
    models = [
        small,
        {**small, "id": "lab/gated", "aliases": ["gated"], "python": str(gated)},
        {**small, "id": "lab/broken", "aliases": ["broken"], "args": ["--no-such-option"]},
    ]
    return {"clusters": {"local": {"kind": "local", "models": models}}}


@pytest.fixture(scope="module")
def commands_lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("commands")
    file = folder / "first.yaml"
    file.write_text(json.dumps(federation(folder)))
    settings = folder / "site"
    settings.mkdir()
    (settings / "overrides.json").write_text(json.dumps(OVERRIDES))
    flags = [f"--FirstApp.federation_file={file}", f"--LabApp.app_settings_dir={settings}"]
    with running_lab(folder, *flags) as lab:
        (lab.root / "script.py").write_text("total = 3\n")
        (lab.root / "empty.ipynb").write_text(json.dumps(EMPTY_NOTEBOOK))
        yield lab


def test_a_notebook_is_worked_in_with_our_commands_and_a_start_is_watched(commands_lab, drive):
    seen = drive("notebook_commands.mjs", commands_lab.address("lab"))
    assert seen["quickstart"] == "first-quickstart.ipynb"
    assert "mine" in (commands_lab.root / "first-quickstart.ipynb").read_text(), "it was written anew"
    # The site's file says so, where ours would say first_jupyter.
    assert [code.splitlines()[0] for code in seen["clients"]] == ["from openai import OpenAI"] * 2
    assert not seen["bulbBefore"]
    assert seen["explained"][0] == "%load_ext first_jupyter"
    assert seen["explained"][1] == "%first fix --cell 1"
    assert seen["sent"] == "%%first --verbatim\nExplain this code:\n\n```python\ntotal = {1: 2}\n```"
    assert seen["inConsole"][0] == "%load_ext first_jupyter"
    assert "total = 3" in seen["inConsole"][1]
    assert all(len(answer) > 20 for answer in seen["answers"])
    assert seen["started"].startswith("gated on local: ")
    assert {"Cancel", "Open Panel"} <= set(seen["started"].splitlines())
    assert seen["onScreen"] == 0
    assert "--no-such-option" in seen["failed"]
    assert "--no-such-option" in seen["log"]
    assert seen["errors"] == []


def test_jupyterlab_in_german_has_ours_in_german(commands_lab, drive):
    settings = Path(commands_lab.env["JUPYTER_CONFIG_DIR"]) / "lab" / "user-settings" / "@jupyterlab"
    language = settings / "translation-extension" / "plugin.jupyterlab-settings"
    language.parent.mkdir()
    language.write_text(json.dumps({"locale": "de_DE"}))
    seen = drive("german.mjs", commands_lab.address("lab"))
    assert seen["card"].split() == ["FIRST:", "Einstieg"]
    assert "Modell auswählen" in seen["dialog"]
    assert seen["errors"] == []
