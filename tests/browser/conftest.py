"""The servers that browser tests share, and a way to run the scripts that drive them."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from lab import EMPTY_NOTEBOOK, running_lab
from states import running_states

HERE = Path(__file__).parent
NOTEBOOKS = HERE.parents[1] / "notebooks"
# A busy machine writes two tokens a second; this is for what hangs.
LIMIT_SECONDS = 600
# What JupyterLab itself complains of when a kernel ends before its debugger was answered.
JUPYTERLABS_OWN = "Could not restore the debugger state"


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    with running_lab(folder) as lab:
        for notebook in NOTEBOOKS.glob("*.ipynb"):
            shutil.copy(notebook, lab.root)
        (lab.root / "empty.ipynb").write_text(json.dumps(EMPTY_NOTEBOOK))
        yield lab


@pytest.fixture(scope="session")
def shared_states(tmp_path_factory):
    """What `states` gives to one test after the other."""
    with running_states(tmp_path_factory.mktemp("states")) as states:
        (states.lab.root / "empty.ipynb").write_text(json.dumps(EMPTY_NOTEBOOK))
        yield states


@pytest.fixture
def states(shared_states):
    """A JupyterLab, at rest, whose federation shows every state at once; and what stands in for others."""
    shared_states.rest()
    return shared_states


@pytest.fixture(scope="session")
def shots(tmp_path_factory):
    """Where the scripts leave their pictures: a folder to look at, if FIRST_PICTURES names one."""
    folder = Path(os.environ.get("FIRST_PICTURES") or tmp_path_factory.mktemp("shots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def drive(shots):
    """Run a script and return what it saw."""

    def run(script, *args, **env):
        command = ["node", str(HERE / script), *map(str, args)]
        done = subprocess.run(
            command,
            env=os.environ | {"SHOTS": str(shots)} | env,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        seen = json.loads(done.stdout.splitlines()[-1])
        seen["errors"] = [error for error in seen.get("errors", []) if JUPYTERLABS_OWN not in error]
        return seen

    return run
