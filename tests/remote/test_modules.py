"""Environment modules are loaded before a backend starts; a profile defines a small ``module``."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
from first_jupyter_remote.backends.base import Follower, Launch
from first_jupyter_remote.modules import command, loaded
from programs import program

PROFILE = """
echo "Welcome to the lab."
export FIRST_REPLICA_KEY=the-profile-s
module() {
  [ "$1" = load ] || return 2
  case "$2" in
    llama/*) export PATH="$HOME/llama:$PATH" MARK="$2" ;;
    more) export MORE="$MARK and more" ;;
    *) printf 'Unknown module:\\n  "%s".\\n' "$2" >&2; return 1 ;;
  esac
}
"""


@pytest.fixture
def home(tmp_path):
    """Return a home whose login shell knows the modules ``llama/1.0``, with an interpreter, and ``more``."""
    (tmp_path / ".bash_profile").write_text(PROFILE)
    program(tmp_path / "llama", "llama-python", f'exec "{sys.executable}" "$@"')
    return tmp_path


def run(launch, home, env):
    asked = {**os.environ, "HOME": str(home), **launch.env, **env}
    done = subprocess.run(launch.argv, env=asked, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[1:]


def test_a_launch_without_modules_is_left_as_it_is():
    launch = Launch(["python", "server.py"], {"KEY": "k"})
    assert loaded(launch, (), {}) is launch
    assert command((), ["a", "b"]) == ["a", "b"]


def test_modules_are_loaded_in_their_order_and_arguments_are_passed_on_as_they_are(home):
    launch = Launch(["sh", "-c", 'echo "$MORE"; printf "%s\\n" "$@"', "sh", "two words", "$HOME", "--"])
    assert run(loaded(launch, ("llama/1.0", "more"), {}), home, {}) == [
        "llama/1.0 and more",
        "two words",
        "$HOME",
        "--",
    ]


def test_what_the_model_and_the_backend_set_outlasts_profiles_and_modules(home):
    env = {"MARK": "the model's, 'quoted'"}
    script = 'echo "$MARK"; echo "$FIRST_REPLICA_KEY"; env | grep -c FIRST_KEPT_'
    launch = loaded(
        Launch(["sh", "-c", f"{script}; true"], {"FIRST_REPLICA_KEY": "ours"}), ["llama/1.0"], env
    )
    assert run(launch, home, env) == ["the model's, 'quoted'", "ours", "0"]


def test_no_variable_stands_in_a_command_line_and_other_nodes_load_the_same():
    part = Follower("n2", ("srun",), "n1", ["python", "--headless"], {"A": "1"})
    launch = loaded(Launch(["python"], {"KEY": "secret"}, (part,)), ["llama/1.0"], {"TOKEN": "hidden"})
    (follower,) = launch.followers
    assert launch.argv[:2] == follower.argv[:2] == ["bash", "-lc"]
    assert follower.argv[-3:] == ["--", "python", "--headless"]
    assert not any("secret" in word or "hidden" in word for word in [*launch.argv, *follower.argv])
    assert "secret" not in follower.env.values()
    assert follower.launcher == ("srun",)


@pytest.mark.model
def test_a_backend_out_of_a_module_serves(serve, llama_spec, home):
    spec = {**llama_spec, "python": "llama-python", "modules": ["llama/1.0"]}
    record = serve(spec, env={"HOME": str(home)}).stage("ready", "failed")
    assert record["stage"] == "ready", record["reason"]


@pytest.mark.model
@pytest.mark.parametrize(
    ("profile", "reason"),
    [
        (
            PROFILE,
            'module load nope/2 failed on {}: Unknown module: "nope/2"; correct modules',
        ),
        ("", "a login shell on {} has no command 'module'; correct modules"),
    ],
)
def test_modules_that_cannot_be_loaded_fail_at_once_with_their_name(serve, llama_spec, home, profile, reason):
    (home / ".bash_profile").write_text(profile)
    last = serve({**llama_spec, "modules": ["llama/1.0", "nope/2"]}, env={"HOME": str(home)}).result()
    assert (last["stage"], last["restarts"]) == ("failed", 0)
    assert last["reason"] == reason.format(socket.gethostname())
