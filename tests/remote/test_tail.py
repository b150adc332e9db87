"""The end of a log as it is now; and no log that holds a secret at all."""

from __future__ import annotations

import pytest
from first_jupyter_remote import functions, records
from first_jupyter_remote.log import Log
from first_jupyter_remote.protocol import ReplicaRecord, Stage

KEY = "the-key-of-this-replica"


@pytest.fixture
def log(tmp_path):
    """Return the log of a replica that runs."""
    folder = tmp_path / "replicas"
    records.write(folder / "r1.json", ReplicaRecord("r1", "m", Stage.READY, key=KEY))
    return Log(folder / "r1.log")


def test_the_last_hundred_lines_of_a_log_are_told_with_its_file(tmp_path, log):
    for number in range(150):
        log.add(f"line {number}")
        log.add("127.0.0.1:4711 - GET /v1/models HTTP/1.1 200")
    told = functions.tail(str(tmp_path), "r1")
    assert told == {"lines": [f"line {number}" for number in range(50, 150)], "file": str(log.path)}


def test_of_a_log_that_is_long_only_the_end_is_read_and_no_half_line(tmp_path, log):
    for number in range(6000):
        log.add(f"{number:060} begins with naughts")
    lines = functions.tail(str(tmp_path), "r1")["lines"]
    assert lines[-1] == f"{5999:060} begins with naughts"
    assert all(line.startswith("0") for line in lines)
    assert sum(len(line) + 1 for line in lines) <= 16_384


def test_a_replica_that_has_said_nothing_has_no_lines(tmp_path):
    assert functions.tail(str(tmp_path), "r1")["lines"] == []


def test_a_secret_that_an_earlier_release_wrote_down_is_blotted_out(tmp_path, log, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_abcdefgh")
    log.add(f"api_key={KEY}, token hf_abcdefgh")
    assert functions.tail(str(tmp_path), "r1")["lines"] == ["api_key=***, token ***"]


def test_what_is_secret_is_in_no_line_of_a_log(tmp_path):
    log = Log(tmp_path / "r1.log", secrets=["hf_abcdefgh"])
    log.secrets.add(KEY)
    log.add(f"{KEY} and hf_abcdefgh")
    assert list(log.tail) == ["*** and ***"]
    assert log.path.read_text() == "*** and ***\n"


@pytest.mark.parametrize("name", ["../r1", "", "a/b"])
def test_a_name_that_is_no_replicas_names_no_file(tmp_path, name):
    with pytest.raises(ValueError, match="cannot name a replica"):
        functions.tail(str(tmp_path), name)
