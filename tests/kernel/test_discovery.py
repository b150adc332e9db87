import json
import os
import subprocess
import sys

import pytest

from first_jupyter import NotConnectedError, connection
from first_jupyter._connection import Connection, ancestors, in_order


def write(folder, pid, url, key="k"):
    path = folder / f"first-{pid}.json"
    path.write_text(json.dumps({"pid": pid, "base_url": url, "api_key": key}))
    return path


def test_the_environment_comes_first(wire):
    found = connection()
    assert found == Connection(wire.base_url, "sesame", "environment")
    assert found.control_url == wire.base_url.removesuffix("/v1") + "/api"


def test_the_key_is_not_shown():
    assert "sesame" not in repr(Connection("http://127.0.0.1:1/first/v1", "sesame", "environment"))


def test_a_runtime_file_of_an_ancestor_is_found(wire, no_server, monkeypatch):
    monkeypatch.delenv("FIRST_BASE_URL")
    write(no_server, 1, "http://127.0.0.1:1/first/v1")
    path = write(no_server, os.getppid(), wire.base_url)
    assert connection().source == str(path)


def test_the_parent_that_jupyter_names_counts_as_an_ancestor(wire, no_server, monkeypatch):
    monkeypatch.delenv("FIRST_BASE_URL")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        monkeypatch.setenv("JPY_PARENT_PID", str(stranger.pid))
        path = write(no_server, stranger.pid, wire.base_url)
        assert connection().source == str(path)
        stranger.stdin.close()


def test_a_stale_environment_falls_back_on_the_runtime_files(wire, no_server, monkeypatch):
    monkeypatch.setenv("FIRST_BASE_URL", "http://127.0.0.1:1/first/v1")
    path = write(no_server, os.getppid(), wire.base_url)
    assert connection().source == str(path)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"pid": 1}', '{"pid": "no", "base_url": "", "api_key": ""}']
)
def test_a_broken_runtime_file_is_passed_over(no_server, content):
    (no_server / "first-1.json").write_text(content)
    with pytest.raises(NotConnectedError, match="jupyter lab"):
        connection()


def test_the_file_of_a_dead_server_is_passed_over(wire, no_server, monkeypatch):
    monkeypatch.delenv("FIRST_BASE_URL")
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    write(no_server, done.pid, wire.base_url)
    with pytest.raises(NotConnectedError):
        connection()


def test_without_a_server_the_error_says_how_to_start_one(no_server):
    with pytest.raises(NotConnectedError, match="start one with `jupyter lab`"):
        connection()


def test_a_server_that_has_ended_is_named(no_server, monkeypatch):
    monkeypatch.setenv("FIRST_BASE_URL", "http://127.0.0.1:1/first/v1")
    monkeypatch.setenv("FIRST_API_KEY", "k")
    with pytest.raises(NotConnectedError, match=r"http://127\.0\.0\.1:1/first/v1 has ended"):
        connection()


def test_near_ancestors_come_before_far_ones_and_new_files_before_old(tmp_path):
    for age, pid in enumerate([10, 20, 30, 40]):
        os.utime(write(tmp_path, pid, ""), (1000 - age, 1000 - age))
    found = [path.stem for path in in_order(tmp_path, [30, 20])]
    assert found == ["first-30", "first-20", "first-10", "first-40"]


def test_ancestors_end_at_the_first_process_or_in_a_circle():
    assert list(ancestors(5, {5: 4, 4: 3, 3: 1}.get)) == [4, 3]
    assert list(ancestors(5, {5: 4, 4: 5}.get)) == [4]
