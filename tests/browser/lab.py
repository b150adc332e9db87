"""A real Jupyter server with our extensions, in folders of its own."""

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 120
EMPTY_NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": "first",
            "metadata": {},
            "outputs": [],
            "source": "",
        }
    ],
    "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}
SETTINGS = {
    # A question about news would cover what the tests look at.
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "apputils-extension/themes": {"theme": "JupyterLab Light"},
}


@dataclass(frozen=True)
class Lab:
    """A running server: where it is, how to get in, and where its files lie."""

    url: str
    token: str
    root: Path
    env: dict[str, str]
    pid: int

    def address(self, path):
        """Return where a page is; one of JupyterLab's in a workspace of its own, with nothing open yet."""
        if path.partition("/")[0] == "lab":
            path = f"lab/workspaces/{secrets.token_hex(4)}{path.removeprefix('lab')}"
        return f"{self.url}{path}?token={self.token}"

    def fetch(self, path, method="GET", body=None):
        """Return what the server answers, as JSON."""
        headers = {"Authorization": f"token {self.token}"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)

    @property
    def runtime_file(self):
        """What kernels and terminals read: the address and the key."""
        return json.loads(self._runtime_path.read_text())

    @property
    def has_runtime_file(self):
        """Whether the extension has started."""
        return self._runtime_path.exists()

    @property
    def _runtime_path(self):
        return Path(self.env["JUPYTER_RUNTIME_DIR"]) / f"first-{self.pid}.json"


@contextlib.contextmanager
def running_lab(folder, *flags, extension=True, base_url="/", env=None, python=sys.executable):
    """Start JupyterLab and give it back when it answers; end it afterwards."""
    env = _environment(folder) | (env or {})
    root = folder / "root"
    root.mkdir()
    _write_settings(folder / "config" / "lab" / "user-settings" / "@jupyterlab")
    port, token = _free_port(), secrets.token_hex(16)
    command = [python, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"]
    command += [f"--ServerApp.root_dir={root}", f"--ServerApp.base_url={base_url}"]
    command += ["--LabApp.expose_app_in_browser=True", *flags]
    if not extension:
        command.append("--ServerApp.jpserver_extensions={'first_jupyter_server': False}")
    log = folder / "server.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(command, cwd=root, env=env, stdout=sink, stderr=subprocess.STDOUT)
    lab = Lab(f"http://127.0.0.1:{port}{base_url}", token, root, env, process.pid)
    try:
        _wait_for(lab, process, log, extension)
        yield lab
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def _environment(folder):
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JPY_", "FIRST_", "OPENAI_"))
    }
    if "FIRST_CACHE" in os.environ:
        env["FIRST_CACHE"] = os.environ["FIRST_CACHE"]
    for name, place in {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
    }.items():
        env[name] = str(folder / place)
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    return env


def _write_settings(folder):
    for name, values in SETTINGS.items():
        file = folder / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(lab, process, log, extension):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(urllib.error.URLError, OSError):
            lab.fetch("api/status")
            # The extension starts after the server answers; this file is the last that it does.
            if lab.has_runtime_file or not extension:
                return
        time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-4000:]}")
