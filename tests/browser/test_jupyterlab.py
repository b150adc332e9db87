"""What a person sees, in a real JupyterLab with the real small model."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from lab import running_lab

pytestmark = [pytest.mark.browser, pytest.mark.model]

# What Notebook 7.6 complains of with or without us.
NOTEBOOKS_OWN = ("reading 'schema'", "filebrowser:open-path")
PICTURE = Path(__file__).parents[2] / "docs" / "images" / "quickstart.png"


def notebook_cells(file):
    return json.loads(file.read_text())["cells"]


def failures(cells):
    """What went wrong in some cells: exceptions, and whatever was written to stderr."""
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return [each for each in outputs if each["output_type"] == "error" or each.get("name") == "stderr"]


def test_the_model_is_chosen_and_started_by_keyboard_alone(lab, drive):
    seen = drive("status.mjs", lab.address("lab"))
    assert seen["before"].startswith("SmolLM2-135M-Instruct · ")
    assert "on local (llama.cpp)" in seen["tooltip"]
    assert seen["focused"]
    assert "no such model" in seen["none"]
    assert len(seen["options"]) == seen["selected"] == 1
    assert "local" in seen["options"][0]
    assert seen["checked"]
    assert seen["after"] == "SmolLM2-135M-Instruct · hot"
    assert seen["errors"] == []


def test_an_answer_grows_in_its_cell_and_ends_with_a_footer(lab, drive):
    seen = drive("prompt.mjs", lab.address("lab/tree/empty.ipynb"))
    assert len(set(seen["lengths"])) > 5, "the text came all at once"
    footer = seen["answer"].splitlines()[-1]
    assert "smollm2" in footer.lower()
    assert "local" in footer
    assert len(seen["answer"]) > len(footer) + 100
    assert seen["status"] == "SmolLM2-135M-Instruct · hot"
    assert seen["errors"] == []


def test_notebook_7_has_the_commands_and_no_complaints(lab, drive):
    seen = drive("notebook7.mjs", lab.address("notebooks/empty.ipynb"))
    assert "Choose a Model…" in seen["labels"]
    assert [error for error in seen["errors"] if not any(own in error for own in NOTEBOOKS_OWN)] == []


def test_the_quickstart_notebook_runs_in_jupyterlab(lab, drive, shots):
    picture = PICTURE if os.environ.get("FIRST_UPDATE_PICTURES") == "1" else shots / "quickstart.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    seen = drive("quickstart.mjs", lab.address("lab/tree/quickstart.ipynb"), picture)
    assert seen["errors"] == []
    cells = [cell for cell in notebook_cells(lab.root / "quickstart.ipynb") if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in cells)
    assert failures(cells) == []


def test_the_quickstart_notebook_runs_with_nbconvert(lab, tmp_path):
    command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute"]
    command += [f"--output-dir={tmp_path}", str(lab.root / "quickstart.ipynb")]
    done = subprocess.run(command, env=lab.env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert failures(notebook_cells(tmp_path / "quickstart.ipynb")) == []


def test_the_javascript_client_streams(lab, drive):
    found = lab.runtime_file
    seen = drive("client.mjs", FIRST_BASE_URL=found["base_url"], FIRST_API_KEY=found["api_key"])
    assert "HuggingFaceTB/SmolLM2-135M-Instruct" in seen["models"]
    assert len(seen["pieces"]) > 5
    assert seen["usage"]["completion_tokens"] > 0
    assert seen["refusal"]["status"] == 404
    assert "no-such-model" in seen["refusal"]["message"]


def test_without_the_server_extension_the_status_item_says_what_to_do(tmp_path, drive):
    with running_lab(tmp_path, extension=False) as lab:
        seen = drive("missing.mjs", lab.address("lab"))
    assert seen["status"] == "FIRST: not available"
    assert "jupyter server extension enable first_jupyter_server" in seen["advice"]
