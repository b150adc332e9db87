"""Our keyboard shortcuts, beside all that the installed JupyterLab and Notebook bring."""

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = sorted((ROOT / "labextension" / "schema").glob("*.json"))
SHARED = Path(sys.prefix) / "share" / "jupyter"
PLACES = ("lab/schemas", "labextensions")
# What Accel is on a system, and the keys that count there.
SYSTEMS = {"Ctrl": ("keys", "winKeys", "linuxKeys"), "Cmd": ("keys", "macKeys")}


def chords(schema, fields, accel):
    """All shortcuts of a schema for one system: each a tuple of chords with their keys in one order."""
    for shortcut in schema.get("jupyter.lab.shortcuts", []):
        for field in fields:
            if keys := shortcut.get(field):
                yield tuple(" ".join(sorted(chord.replace("Accel", accel).split())) for chord in keys)


@pytest.fixture(scope="module")
def others():
    """The schemas of everything else that is installed."""
    files = [file for place in PLACES for file in (SHARED / place).rglob("*.json") if "schemas" in file.parts]
    schemas = [json.loads(file.read_text()) for file in files if "first-jupyter" not in file.parts]
    assert any("notebook:run-cell" in json.dumps(schema) for schema in schemas)
    return schemas


@pytest.mark.parametrize("accel", SYSTEMS)
def test_no_shortcut_of_ours_clashes_with_another(others, accel):
    fields = SYSTEMS[accel]
    taken = {keys for schema in others for keys in chords(schema, fields, accel)}
    ours = [keys for file in OURS for keys in chords(json.loads(file.read_text()), fields, accel)]
    assert ours
    for keys in ours:
        # A shortcut also clashes with one that begins with it, or that it begins with.
        clashes = [each for each in taken if each[: len(keys)] == keys or keys[: len(each)] == each]
        assert clashes == [], f"{keys} is taken"


def test_the_docs_name_every_shortcut():
    told = (ROOT / "docs" / "users.md").read_text()
    for file in OURS:
        for shortcut in json.loads(file.read_text()).get("jupyter.lab.shortcuts", []):
            assert "+".join(" ".join(shortcut["keys"]).split()) in told
