"""``first-remote register``, with the true SDK against the stand-in of the hosted service."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from endpoint import standin_environment
from first_jupyter_server.clusters.globus_bundle import FUNCTION, bundle

pytestmark = pytest.mark.globus

GROUP = str(uuid.uuid4())
SECRETS = ("GLOBUS_COMPUTE_CLIENT_ID", "GLOBUS_COMPUTE_CLIENT_SECRET")


@pytest.fixture
def register(compute, client_id, tmp_path):
    """Return a function that runs the command; `without` names variables that it does not find."""
    environment = {**os.environ, **standin_environment(compute, client_id, tmp_path / "sdk")}

    def run(*options, without=(), **more):
        env = {name: value for name, value in (environment | more).items() if name not in without}
        return subprocess.run(
            [Path(sys.executable).with_name("first-remote"), "register", *options],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run


def test_the_printed_id_is_that_of_a_function_that_carries_this_release(register, compute):
    done = register()
    assert (done.returncode, done.stderr) == (0, "")
    function = compute.tasks.functions[done.stdout.splitlines()[0]]
    assert function["function_name"] == FUNCTION
    assert f'DIGEST = "{bundle().digest}"' in function["function_code"]
    assert bundle().digest in function["description"]
    assert not function.get("public")
    assert not function.get("group")


def test_it_says_what_to_do_with_the_id(register):
    said = register().stdout
    function = said.splitlines()[0]
    assert f"--allow {function}" in said
    assert f"function: {function}" in said


@pytest.mark.parametrize(
    ("options", "who"), [(("--group", GROUP), {"group": GROUP}), (("--public",), {"public": True})]
)
def test_a_group_or_everybody_may_be_let_in(register, compute, options, who):
    function = compute.tasks.functions[register(*options).stdout.splitlines()[0]]
    assert {key: function[key] for key in ("group", "public") if function.get(key)} == who


def test_it_is_noted_in_a_lock_where_that_is_asked_for(register, tmp_path):
    lock = tmp_path / "first.lock.json"
    function = register("--lock", str(lock)).stdout.splitlines()[0]
    assert json.loads(lock.read_text())["functions"][bundle().digest]["id"] == function


def test_without_a_login_and_a_terminal_it_says_what_to_do(register):
    done = register(without=SECRETS)
    assert done.returncode == 1
    assert "run it once in a terminal" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "more", "said"),
    [
        (("--group", "ours"), {}, "--group takes the id of a Globus group, not 'ours'"),
        ((), {"GLOBUS_COMPUTE_CLIENT_SECRET": "wrong"}, "Globus refused: 401"),
        ((), {"FIRST_TEST_COMPUTE_URL": "http://127.0.0.1:1"}, "Globus cannot be reached from here"),
    ],
)
def test_what_went_wrong_is_one_sentence(register, options, more, said):
    done = register(*options, **more)
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
