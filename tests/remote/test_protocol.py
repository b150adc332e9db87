"""What crosses the wire comes back the same, also from a newer release."""

from __future__ import annotations

import json

import pytest
from first_jupyter_remote.protocol import Load, ModelSpec, ReplicaRecord, Stage, Weights


@pytest.mark.parametrize(
    "value",
    [
        Weights(package="a==1", member="b", sha256="c", dequantize=True),
        Load(1, 2, 3),
        ModelSpec("a/b", "vllm"),
        ModelSpec("a/b", "vllm", Weights("/w"), 2048, 4, True, "/python", ("--x", "1"), {"A": "B"}, None),
        ReplicaRecord("r1", "a/b"),
        ReplicaRecord(
            "r1", "a/b", Stage.READY, progress=0.5, host="n1", port=80, key="k", addresses=("n1", "10.0.0.1")
        ),
        ReplicaRecord("r1", "a/b", pid=1, node="n1", owner="lab", restarts=2, load=Load(1), updated=3.0),
    ],
)
def test_a_round_trip_changes_nothing(value):
    data = json.loads(json.dumps(value.to_json()))
    assert type(value).from_json(data) == value
    assert type(value).from_json({**data, "a key of the future": 1}) == value


def test_what_an_older_release_does_not_tell_is_unknown():
    data = ReplicaRecord("r1", "a/b", job_ends=9.0, drain_at=8.0).to_json()
    del data["drain_at"]
    assert ReplicaRecord.from_json(data) == ReplicaRecord("r1", "a/b", job_ends=9.0)


def test_a_record_s_text_hides_its_key():
    assert "secret" not in repr(ReplicaRecord("r1", "a/b", key="secret"))


@pytest.mark.parametrize("stage", Stage)
def test_only_stopped_and_failed_are_final(stage):
    assert stage.is_final == (stage in {"stopped", "failed"})
