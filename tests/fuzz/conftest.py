"""How long hypothesis looks (as FIRST_FUZZ says, or shortly), and a real server to ask."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, settings

from .any_server import MODEL

sys.path.append(str(Path(__file__).parent.parent / "integration"))
from jupyter_process import Jupyter

LONG = int(os.environ.get("FIRST_FUZZ", "0"))
"""Examples of each property; none for the suite, where few are tried, and the same ones every time."""

settings.register_profile(
    "suite",
    max_examples=LONG or 20,
    derandomize=not LONG,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("suite")


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """Start a Jupyter server with a model's server that answers whatever it is asked."""
    any_server = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("any_server.py")], stdout=subprocess.PIPE, text=True
    )
    url = f"http://127.0.0.1:{int(any_server.stdout.readline())}/v1"
    federation = {"clusters": {"desk": {"kind": "openai", "url": url, "models": [{"id": MODEL}]}}}
    jupyter = Jupyter(tmp_path_factory.mktemp("lab"), federation=yaml.safe_dump(federation))
    yield jupyter
    jupyter.close()
    any_server.kill()
    any_server.wait()
