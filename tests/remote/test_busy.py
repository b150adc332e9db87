"""What a job's script is told, and tells."""

from __future__ import annotations

import contextlib
import time

import pytest
from first_jupyter_remote.busy import busy
from first_jupyter_remote.job import JobEndsError


@pytest.fixture
def mark(tmp_path, monkeypatch):
    monkeypatch.setenv("FIRST_BUSY", str(tmp_path / "busy"))
    return tmp_path / "busy"


def test_a_job_knows_that_a_node_agent_is_at_work(mark):
    with busy():
        assert mark.exists()
    assert not mark.exists()


def test_a_job_at_its_end_takes_no_other_node_agent(mark):
    mark.with_name("busy.ends").touch()
    with pytest.raises(JobEndsError), busy():
        pass
    assert not mark.exists()


@pytest.mark.parametrize(
    ("ran", "left", "begins"), [(5, 55, True), (40, 20, False), (40000, 900, True), (40000, 500, False)]
)
def test_a_job_whose_time_is_nearly_up_takes_none_either(mark, monkeypatch, ran, left, begins):
    monkeypatch.setenv("FIRST_JOB_BEGAN", str(time.time() - ran))
    monkeypatch.setenv("FIRST_JOB_ENDS", str(time.time() + left))
    begun = False
    with contextlib.suppress(JobEndsError), busy():
        begun = True
    assert begun is begins


def test_outside_of_such_a_job_nothing_is_told(monkeypatch):
    monkeypatch.delenv("FIRST_BUSY", raising=False)
    with busy():
        pass
