"""Endpoints in temporary folders, and the true agent's loader in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from first_jupyter_remote.cli import main

ROOT = Path(__file__).parents[2]
sys.path += [str(ROOT / "tests" / name) for name in ("globus", "remote")]
LOADER = Path(__file__).with_name("endpoint_loader.py")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Keep whoever runs the tests, and their variables, out of it."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in (
        "FIRST_HOME",
        "FIRST_CACHE",
        "HF_HOME",
        "HF_HUB_OFFLINE",
        "https_proxy",
        "HTTPS_PROXY",
        "COLUMNS",
    ):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home"


@pytest.fixture
def deploy(tmp_path):
    """Return a function that deploys and returns the endpoint's folder."""

    def deploy(*options, name="lab"):
        folder = tmp_path / name
        assert main(["deploy", name, "--out", str(folder), *options]) == 0
        return folder

    return deploy


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Return a function that puts a command on PATH, which prints a text."""
    place = tmp_path / "commands"
    place.mkdir()
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")

    def command(name, text="", code=0):
        (place / name).write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\nexit {code}\n")
        (place / name).chmod(0o755)
        return place / name

    return command


@pytest.fixture(scope="session")
def globus_python():
    """Return the interpreter that has the true Globus Compute agent."""
    if given := os.environ.get("FIRST_TEST_GLOBUS_PYTHON"):
        return given
    made = subprocess.run([ROOT / ".ci/globus-env"], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.fail(f"the environment with the Globus Compute agent cannot be made:\n{made.stderr[-2000:]}")
    return made.stdout.strip().partition("=")[2]


@pytest.fixture(scope="session")
def agent(globus_python, tmp_path_factory):
    """Return a function that lets the true agent render, load and submit for an endpoint, as for a user."""
    process = subprocess.Popen(
        [globus_python, LOADER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path_factory.mktemp("agent"),
    )

    def agent(folder, *wishes):
        process.stdin.write(json.dumps([str(folder), wishes]) + "\n")
        process.stdin.flush()
        answers = json.loads(process.stdout.readline())
        return answers if len(answers) > 1 else answers[0]

    yield agent
    process.stdin.close()
    process.wait(20)
    process.stdout.close()
