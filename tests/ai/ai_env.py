"""Where the true Jupyter AI is, and how a Jupyter server with it and with ours is started."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "integration"))

from jupyter_process import free_port

ALONE = {
    "@jupyter-ai-contrib/server-documents": True,
    "@jupyter/collaboration-extension": True,
    "@jupyter/docprovider-extension": True,
    "jupyterlab-notebook-awareness": True,
}
"""What the browser is without, where documents are not shared."""


def python():
    """Return the interpreter of the environment with Jupyter AI."""
    return _made("FIRST_TEST_AI_PYTHON")


def env():
    """Return what has it find ours, and what keeps LiteLLM from asking the internet for prices."""
    ours = Path(_made("FIRST_TEST_AI_OURS"))
    return {
        "PYTHONPATH": str(ours),
        "JUPYTER_PATH": str(ours / "share/jupyter"),
        "JUPYTER_CONFIG_PATH": str(ours / "etc/jupyter"),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }


def flags(shared_documents=True):
    """Return the options of a server that others may run beside; Jupyter AI's own port is a fixed one."""
    port = [f"--MCPExtensionApp.mcp_port={free_port()}"]
    if shared_documents:
        return port
    return [*port, "--ServerApp.jpserver_extensions={'jupyter_server_documents': False}"]


def unshare(config):
    """Have the browser do without shared documents, too, as `jupyter labextension disable` does."""
    page = config / "labconfig" / "page_config.json"
    page.parent.mkdir(parents=True)
    page.write_text(json.dumps({"disabledExtensions": ALONE}))


def _made(name):
    if not (place := os.environ.get(name)):
        pytest.fail("there is no Jupyter AI to test: export what .ci/ai-env prints, or use -m 'not ai'")
    return place
