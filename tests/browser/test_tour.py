"""The journey of `docs/tour.md`; `FIRST_UPDATE_PICTURES=1` takes its pictures."""

import json
import os
from pathlib import Path

import pytest
from lab import EMPTY_NOTEBOOK
from pictures import shrink

pytestmark = [pytest.mark.browser, pytest.mark.model]

PICTURES = Path(__file__).parents[2] / "docs" / "images" / "tour"
UPDATES = os.environ.get("FIRST_UPDATE_PICTURES") == "1"


def test_a_model_that_is_cold_answers_and_every_wait_is_told(states, drive, shots):
    pictures = PICTURES if UPDATES else shots
    pictures.mkdir(exist_ok=True)
    (states.lab.root / "ice.ipynb").write_text(json.dumps(EMPTY_NOTEBOOK))
    seen = drive("tour.mjs", states.lab.address("lab/tree/ice.ipynb"), states.scenes, pictures)
    assert "Llama-3.3-70B-Instruct" in seen["output"]
    assert "argonne-sophia" in seen["output"]
    assert "warmed up in" in seen["output"]
    for picture in pictures.glob("[1-9]-*.png"):
        shrink(picture, 128)
