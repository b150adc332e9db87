"""The deployed endpoint's engine on a real Slurm: jobs come, are given back, and end with an answer."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from first_jupyter_remote.cli import main
from slurm import KILLED_AFTER, TRACKING, Slurm
from small_models import CI_CACHE, SMOLLM2

pytestmark = pytest.mark.globus

REMOTE = Path(__file__).parents[2] / "remote"
ENGINE = Path(__file__).with_name("endpoint_engine.py")
MODEL = {"id": "smollm2", "backend": "llama.cpp", "weights": SMOLLM2, "python": sys.executable}
CANCEL = ["scancel"]
# As if its walltime were over; Slurm looks every 30 s.
EXPIRE = ["sh", "-c", 'scontrol update JobId="$0" EndTime=now']


class Events:
    """What happened in a run, and when."""

    def __init__(self, events):
        self.all = events
        self.jobs = {job: comment for each in events for job, (_, comment) in each.get("jobs", {}).items()}

    def answer(self, task):
        return next(each["answer"] for each in self.all if each.get("task") == task)

    def took_to_end(self, job):
        """Return for how many seconds a job was coming to its end."""
        looks = [(each["at"], each["jobs"].get(job, ["gone"])[0]) for each in self.all if "jobs" in each]
        ran = max(n for n, (_, state) in enumerate(looks) if state == "R")
        gone = next(at for at, state in looks[ran:] if state == "gone")
        return gone - looks[ran + 1][0]


def run(slurm, argv, env, place):
    """Run tasks through an endpoint's engine, and return what happened."""
    with slurm:
        done = subprocess.run(argv, env=env, cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return Events([json.loads(line) for line in done.stdout.splitlines()])


@pytest.fixture(scope="module")
def runs(globus_python, tmp_path_factory):
    """Return a function that waits for a run, each on a Slurm of its own; two at a time, as they mostly wait.

    A run is over when its tasks have given their answers and their jobs are gone; with ``until="answers"`` it
    does not wait for the jobs.
    """
    venv = Path(globus_python).parents[1]

    def begin(tracking, *tasks, until="gone", **wish):
        place = tmp_path_factory.mktemp("run")
        (place / "init.sh").write_text(f"export PYTHONPATH={REMOTE}\n")
        options = ("--scheduler", "slurm", "--queue", "debug", "--gpus-per-node", "0", "--cpus-per-node", "2")
        options += ("--nodes", "2", "--walltime", "00:10:00", "--address", "lo", "--venv", str(venv))
        options += ("--worker-init", str(place / "init.sh"), "--out", str(place / "lab"))
        assert main(["deploy", "lab", *options]) == 0
        slurm = Slurm(place / "slurm", tracking)
        env = {**slurm.env, "PATH": f"{venv}/bin:{os.environ['PATH']}", "PYTHONPATH": str(REMOTE)}
        todo = [json.dumps({**task, "home": str(place / "state")}) for task in tasks]
        argv = [globus_python, ENGINE, place / "lab", json.dumps({"role": "serve", **wish}), until, *todo]
        return pool.submit(run, slurm, argv, env, place)

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as pool:
        patch.setenv("FIRST_CACHE", str(CI_CACHE / "tests"))
        patch.setenv("FIRST_HOME", str(tmp_path_factory.mktemp("home")))
        begun = {"expired": begin(TRACKING[0], {"last": 1}, {"serve": MODEL, "end": EXPIRE})}
        begun |= {tracking: begin(tracking, {"serve": MODEL, "end": CANCEL}) for tracking in TRACKING}
        begun["two nodes"] = begin(TRACKING[0], {"last": 1}, until="answers", nodes=2)
        yield lambda name: begun[name].result()


@pytest.fixture(scope="module")
def expired(runs):
    """Return what happened in a run of a short task, and a node agent whose job comes to its walltime."""
    return runs("expired")


@pytest.mark.model
@pytest.mark.parametrize("tracking", TRACKING)
def test_a_cancelled_job_ends_with_its_node_agents_last_word(tracking, runs):
    events = runs(tracking)
    record = events.answer(0)
    assert (record["stage"], record["reason"]) == ("stopped", "its node agent was told to end (SIGTERM)")
    [job] = events.jobs
    assert events.took_to_end(job) < KILLED_AFTER / 2


@pytest.mark.model
def test_the_walltime_reaches_the_node_agent(expired):
    record = expired.answer(1)
    assert (record["stage"], record["reason"]) == ("stopped", "its node agent was told to end (SIGTERM)")


@pytest.mark.model
def test_a_job_without_a_task_is_given_back_at_once(expired):
    job = expired.answer(0)["job"]
    assert len(expired.jobs) == 2
    assert expired.took_to_end(job) < KILLED_AFTER / 2


@pytest.mark.model
def test_a_job_knows_its_end_and_is_known_by_its_comment(expired):
    assert 500 < expired.answer(0)["left"] <= 600
    assert set(expired.jobs.values()) == {"first-jupyter"}


def test_a_replica_of_two_nodes_is_one_task_in_one_job(runs):
    events = runs("two nodes")
    assert events.answer(0)["nodes"] == 2
    assert set(events.jobs) == {events.answer(0)["job"]}
