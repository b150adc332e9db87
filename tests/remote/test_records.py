"""Records: told in good measure, kept for those who come later."""

from __future__ import annotations

import json
import os
import socket
import time

import pytest
from first_jupyter_remote import functions, records
from first_jupyter_remote.protocol import Load, ReplicaRecord, Stage

HERE = socket.gethostname()


def keep(home, **fields):
    defaults = {"replica": "r1", "model": "m", "updated": time.time(), "node": HERE, "pid": os.getpid()}
    record = ReplicaRecord(**{**defaults, **fields})
    records.write(home / "replicas" / f"{record.replica}.json", record)
    return record


def dead_pid():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return pid


def test_a_change_of_stage_is_told_at_once_and_progress_in_measure(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "SOON", 3600.0)
    told = []
    reporter = records.Reporter(tmp_path / "r1.json", ReplicaRecord("r1", "m"), told.append)
    reporter.update(stage=Stage.FETCHING)
    for step in range(1000):
        reporter.update(progress=step / 1000)
    reporter.update(stage=Stage.LOADING, progress=None)
    assert [record.stage for record in told] == ["fetching", "loading"]
    reporter.update(progress=0.5)
    monkeypatch.setattr(records, "SOON", 0.0)
    reporter.flush()
    assert told[-1].progress == 0.5


def test_a_record_says_when_each_stage_was_entered_first(tmp_path):
    reporter = records.Reporter(tmp_path / "r1.json", ReplicaRecord("r1", "m"))
    stages = [Stage.LOADING, Stage.READY]
    for stage in (*stages, *stages):
        reporter.update(stage=stage)
    entered = reporter.record.entered
    assert list(entered) == ["queued", "loading", "ready"]
    assert list(entered.values()) == sorted(entered.values())
    assert ReplicaRecord.from_json(reporter.record.to_json()) == reporter.record


def test_load_is_told_only_when_it_changed(tmp_path):
    told = []
    reporter = records.Reporter(tmp_path / "r1.json", ReplicaRecord("r1", "m"), told.append)
    reporter.update(load=Load(1))
    reporter.update(load=Load(2))
    reporter.update(load=Load(2))
    assert [record.load.running for record in told] == [1]


def test_when_a_replica_ends_is_told_in_measure_and_until_when_it_is_held_at_once(tmp_path, monkeypatch):
    told = []
    reporter = records.Reporter(tmp_path / "r1.json", ReplicaRecord("r1", "m"), told.append)
    reporter.update(stage=Stage.READY, expires=100.0)
    for expires in range(101, 200):
        reporter.update(expires=float(expires))
    assert [record.expires for record in told] == [100]
    reporter.update(held_until=300.0)
    assert [record.expires for record in told] == [100, 199]
    monkeypatch.setattr(records, "EXPIRES_EVERY", 0.0)
    reporter.update(expires=200.0)
    assert told[-1].expires == 200


def test_a_record_that_cannot_be_written_is_told_all_the_same(tmp_path):
    (tmp_path / "file").write_text("in the way")
    told = []
    reporter = records.Reporter(tmp_path / "file" / "r1.json", ReplicaRecord("r1", "m"), told.append)
    reporter.update(stage=Stage.READY, reason="up")
    assert told[0].reason.startswith(f"up; the record cannot be written to {tmp_path}")


def test_find_returns_those_that_run(tmp_path):
    record = keep(tmp_path, stage=Stage.READY, port=80)
    assert functions.find(str(tmp_path)) == [record.to_json()]


@pytest.mark.parametrize(
    ("fields", "stage"),
    [
        ({}, "ready"),
        ({"pid": 1}, "ready"),
        ({"pid": "dead"}, "failed"),
        ({"pid": "dead", "node": "elsewhere"}, "ready"),
        ({"node": "elsewhere", "updated": 1.0}, "failed"),
        ({"updated": 1.0}, "failed"),
    ],
)
def test_find_marks_a_replica_whose_agent_is_gone(tmp_path, fields, stage):
    if fields.get("pid") == "dead":
        fields = {**fields, "pid": dead_pid()}
    keep(tmp_path, stage=Stage.READY, **fields)
    assert [record["stage"] for record in functions.find(str(tmp_path))] == [stage]
    kept = json.loads((tmp_path / "replicas" / "r1.json").read_text())
    assert kept["stage"] == stage


def test_find_removes_what_ended_long_ago(tmp_path):
    keep(tmp_path, stage=Stage.STOPPED, updated=time.time() - 100_000)
    (tmp_path / "replicas" / "r1.log").touch()
    keep(tmp_path, replica="r2", stage=Stage.STOPPED)
    assert [record["replica"] for record in functions.find(str(tmp_path))] == ["r2"]
    assert [path.name for path in (tmp_path / "replicas").iterdir()] == ["r2.json"]


def test_find_passes_over_what_is_no_record(tmp_path):
    (tmp_path / "replicas").mkdir()
    (tmp_path / "replicas" / "broken.json").write_text('{"replica": ')
    assert functions.find(str(tmp_path)) == []
    assert functions.find(str(tmp_path / "nothing")) == []


@pytest.mark.parametrize("name", ["", "../r1", "a/b", ".hidden", "x" * 200, "r1\n"])
def test_a_replica_s_name_cannot_lead_elsewhere(tmp_path, name):
    with pytest.raises(ValueError, match="cannot name a replica"):
        functions.stop(str(tmp_path), name)
