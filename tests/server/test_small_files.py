"""What is kept between servers, and what a kernel finds."""

import json
import os
import stat

import pytest
from first_jupyter_server.auth import key as keys
from first_jupyter_server.federation.choice import read_choice, write_choice
from first_jupyter_server.federation.history import StartHistory, estimate
from first_jupyter_server.kernel_env import add_to_sessions, kernel_env
from first_jupyter_server.runtime_file import RuntimeFile


@pytest.mark.parametrize(
    ("earlier", "elapsed", "expected"),
    [([10.0], 0.0, 10.0), ([8.0, 10.0, 60.0], 4.0, 6.0), ([2.0], 9.0, 0.5), ([], 0.0, None)],
)
def test_an_eta_is_what_is_left_of_the_median_start(earlier, elapsed, expected):
    assert estimate({"loading": earlier}, "loading", elapsed) == expected


def test_starts_are_remembered_over_restarts(tmp_path):
    path = tmp_path / "deep" / "starts.json"
    history = StartHistory(path)
    for started in range(7):
        history.add("local", "m", {"queued": started, "loading": started + 1.0}, started + 4.0)
    history.save()
    assert StartHistory(path).remaining("local", "m") == {"queued": [4.0] * 5, "loading": [3.0] * 5}


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": 3}', '{"a": {"loading": ["x"]}}'])
def test_a_broken_history_is_an_empty_one(tmp_path, content):
    path = tmp_path / "starts.json"
    path.write_text(content)
    assert StartHistory(path).remaining("local", "m") == {}


def test_the_choice_is_kept(tmp_path):
    write_choice(tmp_path / "choice.json", "m")
    assert read_choice(tmp_path / "choice.json") == "m"


@pytest.mark.parametrize("content", ["", "[]", '{"model": 3}', "{}"])
def test_a_broken_choice_is_none(tmp_path, content):
    path = tmp_path / "choice.json"
    path.write_text(content)
    assert read_choice(path) is None


@pytest.mark.parametrize(
    ("env", "when", "pair"),
    [
        ({}, "if-unset", ("URL", "KEY")),
        ({"OPENAI_API_KEY": "sk-mine"}, "if-unset", (None, "sk-mine")),
        ({"OPENAI_BASE_URL": "theirs"}, "if-unset", ("theirs", None)),
        ({}, "never", (None, None)),
        ({"OPENAI_API_KEY": "sk-mine"}, "always", ("URL", "KEY")),
    ],
)
def test_openais_pair_is_set_together_or_not_at_all(env, when, pair):
    found = env | kernel_env(env, base_url="URL", key="KEY", openai=when)
    assert (found.get("OPENAI_BASE_URL"), found.get("OPENAI_API_KEY")) == pair
    assert (found["FIRST_BASE_URL"], found["FIRST_API_KEY"]) == ("URL", "KEY")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", "127.0.0.1,localhost"),
        ("lab.gov", "lab.gov,127.0.0.1,localhost"),
        ("localhost", "localhost,127.0.0.1"),
    ],
)
def test_a_proxy_is_kept_out_of_the_way(given, expected):
    assert kernel_env({"NO_PROXY": given}, base_url="u", key="k", openai="never")["NO_PROXY"] == expected


def test_the_runtime_file_is_for_its_owner_alone(tmp_path):
    file = RuntimeFile(tmp_path / "runtime")
    file.write({"api_key": "k"})
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert json.loads(file.path.read_text()) == {"pid": os.getpid(), "api_key": "k"}
    file.remove()
    file.remove()
    assert not file.path.exists()


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", b"abc"),
        ("bearer abc", b"abc"),
        ("token abc", b""),
        ("abc", b""),
        (None, b""),
        (b"Bearer \xff", b"\xff"),
        ("Bearer é", "é".encode()),
    ],
)
def test_a_bearer_token_is_read(header, token):
    assert keys.bearer(header) == token


@pytest.mark.parametrize(
    ("token", "key", "opens"),
    [
        (b"k", "k", True),
        (b"k.label", "k", True),
        (b"K", "k", False),
        (b"kx.label", "k", False),
        (b".label", "k", False),
        (b"label.k", "k", False),
        (b"", "", False),
        (b".", "", False),
        (b"", "k", False),
    ],
)
def test_only_the_whole_key_opens_whatever_label_follows(token, key, opens):
    assert keys.matches(token, key) is opens


@pytest.mark.parametrize(
    ("token", "label"), [(b"k", ""), (b"k.n-1_x", "n-1_x"), (b"k.", ""), (b"k.a b", ""), (b"k.\xff", "")]
)
def test_a_label_is_read_from_behind_the_key(token, label):
    assert keys.label(token) == label


def test_a_made_label_is_read_again():
    key, label = keys.new_key(), keys.new_label()
    token = keys.labelled(key, label).encode()
    assert (keys.label(token), keys.matches(token, key)) == (label, True)
    assert keys.labelled(key, "") == key


def test_each_kernel_carries_a_label_of_its_notebook():
    sessions = type("Sessions", (), {"get_kernel_env": lambda self, path, name=None: {"PATH": path or ""}})()
    add_to_sessions(sessions, base_url="URL", key="k", openai="if-unset", label=lambda path: f"for-{path}")
    env = sessions.get_kernel_env("n.ipynb")
    assert (env["FIRST_API_KEY"], env["OPENAI_API_KEY"]) == ("k.for-n.ipynb", "k.for-n.ipynb")
