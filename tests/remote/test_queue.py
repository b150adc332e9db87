"""What schedulers say of our jobs that wait; the programs are small, and what they print is as documented.

squeue: https://slurm.schedmd.com/squeue.html. qselect and qstat: PBS Professional's Reference Guide.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime

import pytest
from first_jupyter_remote import functions, queue
from first_jupyter_remote.protocol import QueuedJob

SQUEUE = """
import sys
assert "SQUEUE_FORMAT" not in __import__("os").environ
if "--me" in sys.argv:
    print("4712|gpu|Resources|2026-11-22T22:30:00|first-jupyter")
    print("4713|gpu|Priority|N/A|somebody's own comment | first-jupyter")
    print("4715|gpu|(ReqNodeNotAvail, UnavailableNodes:n[1-2])|N/A|first-jupyter")
    print("4716|debug|None|N/A|first-jupyter")
    print("4717|gpu|Priority|N/A|(null)")
elif "gpu" in sys.argv:
    print("4700_[1-9]\\n4712\\n4713\\n4715")
"""
QSTAT = """
import json, sys
assert sys.argv[1:] == ["-f", "-F", "json", "12.pbs-01", "9.pbs-01", "13.pbs-01", "14.pbs-01"], sys.argv
def job(state, mark, **more):
    return {"job_state": state, "queue": "prod", "Variable_List": {"PBS_O_HOME": "/home/ada", **mark}, **more}
print(json.dumps({"timestamp": 1811000000, "pbs_version": "2022.1.1", "pbs_server": "pbs-01", "Jobs": {
    "12.pbs-01": job("Q", {"FIRST_JUPYTER": 1}, comment="Not Running: Insufficient amount of resource: ncpus",
                     estimated={"exec_vnode": "(n1:ncpus=1)", "start_time": "Fri Nov 27 15:30:00 2026"}),
    "9.pbs-01": job("Q", {"FIRST_JUPYTER": "1"}, estimated={"start_time": 1811000000}),
    "13.pbs-01": job("Q", {}),
    "14.pbs-01": job("R", {"FIRST_JUPYTER": "1"}),
}}))
sys.exit(35)
"""


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Return a function that puts a command onto the path, which holds nothing else."""
    place = tmp_path / "bin"
    place.mkdir()
    monkeypatch.setenv("PATH", str(place))
    monkeypatch.setenv("SQUEUE_FORMAT", "%i")

    def put(name, code):
        (place / name).write_text(f"#!{sys.executable}\n{code}")
        (place / name).chmod(0o755)

    return put


def test_slurm_s_jobs_are_told_with_their_place_and_their_start(commands):
    commands("squeue", SQUEUE)
    starts = datetime.fromisoformat("2026-11-22T22:30:00").timestamp()
    assert queue.waiting_jobs() == [
        QueuedJob("4712", "gpu", 2, "Resources", starts),
        QueuedJob("4715", "gpu", 4, "(ReqNodeNotAvail, UnavailableNodes:n[1-2])", None),
        QueuedJob("4716", "debug", None, "", None),
    ]


def test_pbs_jobs_are_told_the_oldest_first(commands):
    commands("qselect", "print('12.pbs-01\\n9.pbs-01\\n13.pbs-01\\n14.pbs-01')")
    commands("qstat", QSTAT)
    why = "Not Running: Insufficient amount of resource: ncpus"
    starts = time.mktime((2026, 11, 27, 15, 30, 0, 0, 0, -1))
    assert queue.waiting_jobs() == [
        QueuedJob("9.pbs-01", "prod", None, "", 1811000000.0),
        QueuedJob("12.pbs-01", "prod", None, why, starts),
    ]


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"squeue": "raise SystemExit(1)"},
        {"squeue": "print('no|table')"},
        {"qstat": "", "qselect": "print('1.pbs')"},
        {"qstat": "print('no json')", "qselect": "print('1.pbs')"},
        {"qstat": "print('[]')", "qselect": "print('1.pbs')"},
        {"qstat": "raise SystemExit('qselect is missing')"},
    ],
)
def test_a_scheduler_that_says_nothing_of_use_has_no_jobs_for_us(commands, parts):
    for name, code in parts.items():
        commands(name, code)
    assert queue.waiting_jobs() == []


def test_a_site_that_does_not_tell_places_in_time_tells_the_rest(commands, monkeypatch):
    monkeypatch.setattr(queue, "LIMIT", 2.0)
    commands("squeue", SQUEUE.replace('elif "gpu" in sys.argv:', 'else:\n    __import__("time").sleep(600)'))
    assert [(job.job, job.position) for job in queue.waiting_jobs()][:2] == [("4712", None), ("4715", None)]


def test_a_scheduler_that_does_not_answer_is_not_waited_for(commands, monkeypatch):
    monkeypatch.setattr(queue, "LIMIT", 0.5)
    commands("squeue", "import time; time.sleep(600)")
    assert queue.waiting_jobs() == []


@pytest.mark.parametrize(
    ("known", "asked"),
    [({}, True), ({"r-1": "queued"}, True), ({"r-1": "ready"}, False)],
)
def test_the_queue_is_asked_only_while_somebody_may_wait_in_it(commands, tmp_path, known, asked):
    commands("squeue", SQUEUE)
    looked = functions.watch(str(tmp_path), "me", known, 0.0)
    assert [job["job"] for job in looked["queue"]] == (["4712", "4715", "4716"] if asked else [])
    assert json.dumps(looked)
