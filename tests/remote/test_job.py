"""What a job's environment says, and how much of its time a replica uses."""

from __future__ import annotations

import pytest
from first_jupyter_remote.job import Job, current


@pytest.mark.parametrize(
    ("environ", "name", "ends"),
    [
        ({}, None, None),
        ({"SLURM_JOB_ID": "4711", "FIRST_JOB_ENDS": "5000"}, "4711", 5000.0),
        ({"PBS_JOBID": "12.pbs-01", "FIRST_JOB_ENDS": "5000.5"}, "12.pbs-01", 5000.5),
        ({"SLURM_JOB_ID": "4711"}, "4711", None),
        ({"FIRST_JOB_ENDS": "soon"}, None, None),
        ({"FIRST_JOB_ENDS": "inf"}, None, None),
        ({"FIRST_JOB_ENDS": "999"}, None, None),
    ],
)
def test_the_environment_tells_the_job_and_its_end(environ, name, ends):
    job = current(environ, now=1000.0)
    assert (job.name, job.ends) == (name, ends)


@pytest.mark.parametrize(("lasts", "before"), [(3600, 60), (240, 60), (120, 30), (8, 2)])
def test_a_short_job_drains_for_a_quarter_of_its_time(lasts, before):
    job = current({"FIRST_JOB_ENDS": str(1000 + lasts)}, now=1000.0)
    assert job.drain_at == 1000 + lasts - before


def test_answers_leave_the_server_time_to_end():
    assert current({"FIRST_JOB_ENDS": "2000"}, now=1000.0).answers_until == 1988


def test_without_a_job_s_end_nothing_has_to_hurry():
    assert Job().drain_at == Job().answers_until == float("inf")
