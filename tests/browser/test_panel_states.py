"""Each state of the panel: its picture in each theme, and what axe-core and a ruler find wrong with it.

`FIRST_UPDATE_PICTURES=1` writes the pictures to `docs/images/panel`, which `docs/panel.md` shows.
"""

import json
import os
import re
from pathlib import Path

import pytest
from lab import running_lab
from pictures import shrink

pytestmark = [pytest.mark.browser, pytest.mark.model]

DOCS = Path(__file__).parents[2] / "docs"
UPDATES = os.environ.get("FIRST_UPDATE_PICTURES") == "1"
LOST = {"local": {"kind": "openai", "url": "http://127.0.0.1:1/v1"}}


@pytest.fixture(scope="module")
def pictures(shots):
    folder = DOCS / "images" / "panel" if UPDATES else shots / "panel"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def looked_at(seen, pictures):
    """Return the states that were looked at; nothing may have been wrong with any, in any theme."""
    assert {look: wrong for look, wrong in seen["found"].items() if wrong} == {}
    for picture in pictures.glob("*.png"):
        # Of high contrast, the documentation shows one.
        if UPDATES and "contrast" in picture.name and not picture.name.startswith("models-"):
            picture.unlink()
        else:
            shrink(picture, 32)
    return {look.partition(", ")[0] for look in seen["found"]}


def test_each_state_of_a_federation_can_be_read_by_anybody(states, drive, pictures):
    seen = drive("states.mjs", states.lab.address("lab"), states.scenes, pictures)
    assert len(looked_at(seen, pictures)) == 23


def test_a_panel_with_nothing_to_show_can_be_read_by_anybody(tmp_path, drive, pictures):
    file = tmp_path / "first.yaml"
    file.write_text(json.dumps({"clusters": LOST}))
    with running_lab(tmp_path, f"--FirstApp.federation_file={file}") as lab:
        seen = drive("standstill.mjs", lab.address("lab"), pictures, "nothing")
    assert looked_at(seen, pictures) == {"no-login-needed", "no-models", "nothing-used", "loading"}


def test_a_panel_without_the_server_extension_says_what_to_do(tmp_path, drive, pictures):
    with running_lab(tmp_path, extension=False) as lab:
        seen = drive("standstill.mjs", lab.address("lab"), pictures, "missing")
    assert looked_at(seen, pictures) == {"extension-missing"}


def test_the_documentation_shows_every_state():
    shown = set(re.findall(r"images/panel/([\w-]+)\.png", (DOCS / "panel.md").read_text()))
    there = {picture.stem for picture in (DOCS / "images" / "panel").glob("*.png")}
    assert shown == there
