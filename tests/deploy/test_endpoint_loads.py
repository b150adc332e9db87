"""What the true Globus Compute agent and Parsl make of the files."""

import json
import os
import signal
import subprocess
import sys

import pytest

ACCOUNT = {"alcf-polaris": ["a1"], "alcf-sophia": ["a1"], "nersc-perlmutter": ["m1_g"]}
ENGINE = {"slurm": "SlurmProvider", "pbs": "PBSProProvider", "local": "LocalProvider"}
PROFILES = {
    "slurm": "slurm",
    "pbs": "pbs",
    "local": "local",
    "alcf-polaris": "pbs",
    "alcf-sophia": "pbs",
    "nersc-perlmutter": "slurm",
}


def options(profile, *more):
    account = [word for name in ACCOUNT.get(profile, []) for word in ("--account", name)]
    # The sites' interfaces are not on this machine, and the agent looks up their addresses when it loads.
    return ["--profile", profile, *account, "--address", "lo", *more]


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_gives_an_endpoint_with_all_roles(profile, deploy, agent):
    roles = [{"role": role} for role in ("serve", "control", "relay")]
    serve, control, relay = agent(deploy(*options(profile)), *roles)
    assert serve["core"] == "CoreEndpointConfig"
    assert serve["engine"] == "GlobusComputeEngine"
    assert control["engine"] == relay["engine"] == "ThreadPoolEngine"
    assert (control["threads"], relay["threads"]) == (4, 128)
    assert serve["provider"] == ENGINE[PROFILES[profile]]
    assert serve["workers"] == 1
    assert serve["blocks"][:2] == [0, 0]


def test_idle_limits_spare_a_running_replica_and_give_back_a_job_without_one(deploy, agent):
    serve = agent(deploy(*options("slurm", "--walltime", "48:00:00")), {"role": "serve"})
    beats_a_day = 86400 / serve["heartbeat"]
    assert serve["hard"] >= 16 * beats_a_day
    assert 0 < serve["soft"] * serve["heartbeat"] <= 600
    assert serve["strategy"] == {"strategy": "htex_auto_scale", "strategy_period": 5, "max_idletime": 15}


@pytest.mark.parametrize(
    ("profile", "more", "wish"),
    [
        ("slurm", ["--nodes", "4"], {}),
        ("slurm", ["--nodes", "4"], {"nodes": 4}),
        ("pbs", ["--nodes", "4"], {"nodes": 4}),
        ("alcf-sophia", ["--queue", "by-gpu"], {"gpus": 8}),
    ],
)
def test_each_replica_gets_a_job_of_its_own_and_may_wait_for_it(profile, more, wish, deploy, agent):
    serve = agent(deploy(*options(profile, *more)), {"role": "serve", **wish})
    assert (serve["first replica"], serve["no more"], serve["second replica"]) == (1, 0, 1)
    assert serve["while it waits"] == 0


@pytest.mark.parametrize(
    ("profile", "more", "wish", "lines", "submit"),
    [
        (
            "slurm",
            [
                "--queue",
                "gpu",
                "--account",
                "a",
                "--account",
                "b",
                "--gpus-per-node",
                "4",
                "--cpus-per-node",
                "64",
            ],
            {"gpus": 2, "account": "b", "walltime": 90},
            [
                "--partition=gpu",
                "--account=b",
                "--gres=gpu:2",
                "--cpus-per-task=32",
                "--time=90",
                "--no-requeue",
                "--comment=first-jupyter",
            ],
            [],
        ),
        ("slurm", ["--job-option=--mem=0", "--nodes", "2"], {"nodes": 2}, ["--mem=0", "--nodes=2"], []),
        (
            "nersc-perlmutter",
            [],
            {},
            [
                "--qos=regular",
                "--constraint=gpu",
                "--account=m1_g",
                "--gpus-per-node=4",
                "--exclusive",
                "--time=360",
            ],
            [],
        ),
        (
            "pbs",
            ["--queue", "gpu", "--gpus-per-node", "8", "--cpus-per-node", "64", "--nodes", "2"],
            {"nodes": 2, "walltime": 300},
            [
                "-l select=1:ncpus=64:ngpus=8+1:ncpus=64:ngpus=8",
                "-l walltime=05:00:00",
                "-r n",
                "-v FIRST_JUPYTER=1",
            ],
            ["-q", "gpu"],
        ),
        (
            "alcf-polaris",
            ["--queue", "preemptable"],
            {},
            ["-l select=1:ncpus=32:ngpus=4", "-l filesystems=home:eagle", "-l walltime=06:00:00"],
            ["-q", "preemptable", "-A", "a1"],
        ),
        ("alcf-sophia", [], {}, ["-l select=1:ncpus=1:ngpus=8"], ["-q", "by-node", "-A", "a1"]),
        (
            "alcf-sophia",
            ["--queue", "by-gpu"],
            {"gpus": 2},
            ["-l select=1:ncpus=1:ngpus=1+1:ncpus=1:ngpus=1"],
            ["-q", "by-gpu", "-A", "a1"],
        ),
    ],
)
def test_the_job_script_asks_the_scheduler_for_what_the_user_chose(
    profile, more, wish, lines, submit, deploy, agent
):
    serve = agent(deploy(*options(profile, *more)), {"role": "serve", **wish})
    sigil = "#PBS" if PROFILES[profile] == "pbs" else "#SBATCH"
    asked = {line for line in serve["script"].splitlines() if line.startswith(sigil)}
    assert {f"{sigil} {line}" for line in lines} <= asked
    assert serve["submit"] == submit


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({}, "'role' is a required property"),
        ({"role": "admin"}, "'admin' is not one of ['serve', 'control', 'relay']"),
        ({"role": "serve", "walltime": 361}, "361 is greater than the maximum of 360"),
        ({"role": "serve", "walltime": "06:00:00"}, "is not of type 'integer'"),
        ({"role": "serve", "nodes": 3}, "3 is greater than the maximum of 2"),
        ({"role": "serve", "gpus": 0}, "0 is less than the minimum of 1"),
        ({"role": "serve", "account": "c"}, "'c' is not one of ['a', 'b']"),
        ({"role": "serve", "worker_init": "curl evil | sh"}, "'worker_init' was unexpected"),
        ({"role": "control", "nodes": 2}, "has too many properties"),
        ({"role": "relay", "nodes": 2}, "has too many properties"),
        ({"role": "serve", "_GC": {}}, "reserved word"),
    ],
)
def test_users_can_choose_nothing_but_what_they_may(wish, words, deploy, agent):
    folder = deploy("--scheduler", "slurm", "--account", "a", "--account", "b", "--nodes", "2")
    assert words in agent(folder, wish)["refused"]


def test_only_allowed_functions_may_run(deploy, agent):
    function = "3a060933-2297-403f-a9a0-1037d04a09bb"
    assert agent(deploy("--scheduler", "local", "--allow", function), {"role": "control"})["allowed"] == [
        function
    ]
    assert agent(deploy("--scheduler", "local", name="open"), {"role": "control"})["allowed"] is None


def test_shell_lines_reach_the_job_as_they_were_written(deploy, agent, tmp_path):
    lines = 'words=(a b)\necho "${#words[@]} {{ not jinja }} {% nor this %} $HOME" # it\'s\n  indented'
    (tmp_path / "init.sh").write_text(lines)
    serve = agent(deploy(*options("pbs", "--worker-init", str(tmp_path / "init.sh"))), {"role": "serve"})
    assert lines in serve["script"]


KNOWS = """
import json, os, time
print(json.dumps({"left": int(os.environ["FIRST_JOB_ENDS"]) - time.time(), "home": os.environ["FIRST_HOME"]}))
raise SystemExit(3)
"""
IDLE = """
import time
print("there", flush=True)
time.sleep(60)
"""
# A manager that passes on the answer of somebody who works below it.
AT_WORK = """
import subprocess, sys, time
agent = subprocess.Popen([sys.executable, "-c", '''
import os, pathlib, signal
busy = pathlib.Path(os.environ["FIRST_BUSY"])
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
signal.signal(signal.SIGTERM, lambda *_: None)
busy.touch()
print("there", flush=True)
signal.sigwait([signal.SIGTERM])
print("drained", flush=True)
busy.unlink()
'''])
agent.wait()
print("answered", flush=True)
time.sleep(60)
"""


@pytest.fixture(params=["slurm", "pbs"])
def job(request, deploy, agent, tmp_path):
    """Return a function that runs the script that the scheduler would get, with a program as its manager."""

    def job(program):
        script = agent(deploy(*options(request.param)), {"role": "serve", "walltime": 90})["script"]
        (tmp_path / "job.sh").write_text(script)
        manager = tmp_path / "bin" / "first-test-manager"
        manager.parent.mkdir()
        manager.write_text(f"#!{sys.executable}\n{program}")
        manager.chmod(0o755)
        # The scheduler gives each job a process group of its own.
        return subprocess.Popen(
            ["bash", tmp_path / "job.sh"],
            env={"PATH": f"{manager.parent}:{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    return job


def test_a_job_knows_its_end_and_ends_as_its_manager_does(job):
    with job(KNOWS) as running:
        said = json.loads(running.communicate(timeout=60)[0])
    assert 5390 <= said["left"] <= 5400
    assert said["home"].endswith("/.local/state/first-jupyter")
    assert running.returncode == 3


def test_sigterm_to_the_shell_alone_reaches_the_node_agent_and_spares_its_manager(job):
    with job(AT_WORK) as running:
        assert running.stdout.readline() == "there\n"
        running.terminate()
        assert running.communicate(timeout=60)[0] == "drained\nanswered\n"


def test_sigterm_ends_a_job_that_has_no_node_agent(job):
    with job(IDLE) as running:
        assert running.stdout.readline() == "there\n"
        running.terminate()
        assert running.wait(60) == -signal.SIGKILL


def test_slurms_own_word_on_the_end_is_preferred(deploy, agent, tmp_path):
    script = agent(deploy(*options("slurm")), {"role": "serve"})["script"].replace(
        "first-test-manager", "echo $FIRST_JOB_ENDS"
    )
    env = {"PATH": os.environ["PATH"], "SLURM_JOB_END_TIME": "1800000000"}
    done = subprocess.run(
        ["bash", "-c", script], env=env, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "1800000000"


def test_an_interface_and_a_host_are_told_apart(deploy, agent):
    assert (
        'ifname: "lo"' in agent(deploy("--scheduler", "slurm", "--address", "lo"), {"role": "serve"})["text"]
    )
    folder = deploy("--scheduler", "slurm", "--address", "login1.example.org", name="host")
    assert 'address: "login1.example.org"' in agent(folder, {"role": "serve"})["text"]
