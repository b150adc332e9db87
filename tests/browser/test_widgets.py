"""The widgets in a real JupyterLab, where a cell streams beside them."""

import time

import nbformat
import pytest

pytestmark = [pytest.mark.browser, pytest.mark.model]

CELLS = [
    "%load_ext first_jupyter\nimport first_jupyter as first\nfirst.progress()",
    "first.WarmNodes()",
    "first.Usage()",
    "first.ModelPicker()",
    "%%first --no-history --max-tokens 1900\nTell a very long story of a lighthouse keeper.",
]


@pytest.fixture
def cold(lab):
    """The lab's model, given back."""
    (model,) = lab.fetch("first/api/models")["models"]
    lab.fetch("first/api/models/stop", "POST", {"model": model["id"]})
    until = time.monotonic() + 60
    while lab.fetch("first/api/models")["models"][0]["clusters"][0]["state"] != "cold":
        assert time.monotonic() < until, "it is never cold"
        time.sleep(0.2)


def test_widgets_follow_a_start_and_act_while_a_cell_streams(lab, cold, drive):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, lab.root / "widgets.ipynb")
    seen = drive("widgets.mjs", lab.address("lab/tree/widgets.ipynb"))
    assert "cold" in seen["cold"]
    assert "hot after" in seen["hot"]
    assert "✓ loading the weights: took" in seen["hot"]
    assert seen["story"] == "[*]:", "the cell had ended before the widgets were used"
    assert seen["log"]
    assert seen["found"] == {"starting": [], "hot": []}
    assert seen["errors"] == []
