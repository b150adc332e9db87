"""What a Jupyter server that starts with the extension does not load: it is imported when it is used."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest

START = """
import sys
from jupyter_server.serverapp import ServerApp
app = ServerApp.instance()
app.initialize(["--ServerApp.jpserver_extensions=first_jupyter_server=True", "--port=0", "--no-browser"])
assert "first_jupyter_server" in app.extension_manager.extension_apps
print("modules:", *sys.modules)
"""
HEAVY = [
    "globus_sdk",
    "globus_compute_sdk",
    "openai",
    "httpx",
    "requests",
    "ruamel.yaml",
    "pandas",
    "ipywidgets",
]
OTHERS_ALONE = [
    "first_jupyter_server.clusters.globus_compute",
    "first_jupyter_server.clusters.first_gateway",
    "first_jupyter_server.clusters.openai",
    "first_jupyter_remote.agent",
    "first_jupyter_remote.backends.vllm",
    "first_jupyter_remote.tunnel",
]
"""Of ours: other kinds of clusters, and what runs beside an inference server."""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """The modules of a server that has no federation file, ready to start its loop."""
    home = str(tmp_path_factory.mktemp("home"))
    folders = {f"JUPYTER_{name}_DIR": home for name in ("CONFIG", "DATA", "RUNTIME")}
    alone = {"JUPYTER_NO_CONFIG": "1", "HOME": home, "PATH": ""} | folders
    done = subprocess.run(
        [sys.executable, "-c", START], env=alone, cwd=home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("modules:")[2].split())


def test_it_loads_its_clusters(loaded):
    assert {"first_jupyter_server.extension", "first_jupyter_server.clusters.local"} <= loaded


@pytest.mark.parametrize("name", HEAVY)
def test_no_heavy_package_is_loaded(loaded, name):
    assert name not in loaded


@pytest.mark.parametrize("name", OTHERS_ALONE)
def test_nothing_of_ours_is_loaded_that_the_federation_does_not_need_yet(loaded, name):
    assert find_spec(name)
    assert name not in loaded
