"""What the kernel says about memory that was used up, as files of control groups."""

from __future__ import annotations

import os
import signal
import sys
import uuid

import pytest
from first_jupyter_remote import memory
from first_jupyter_remote.backends import backend
from first_jupyter_remote.backends.base import Cause
from processes import descendants

KILLED = -signal.SIGKILL
GIB = 1 << 30


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Return a function that makes the process's group with its limits, and one that counts its kills."""
    proc, root = tmp_path / "cgroup", tmp_path / "sys"
    monkeypatch.setattr(memory, "PROC", proc)
    monkeypatch.setattr(memory, "ROOT", root)

    def make(lines, files):
        proc.write_text(lines)
        for name, text in files.items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    return make


V2 = "0::/slurm/job_7/step_0\n"
V1 = "9:cpu,cpuacct:/\n4:memory:/slurm/job_7\n0::/\n"


@pytest.mark.parametrize(
    ("lines", "before", "after", "whose"),
    [
        (
            V2,
            {
                "slurm/job_7/step_0/memory.events": "oom 0\noom_kill 2\n",
                "slurm/job_7/step_0/memory.max": "max\n",
                "slurm/job_7/memory.max": f"{16 * GIB}\n",
            },
            {"slurm/job_7/step_0/memory.events": "oom 1\noom_kill 3\n"},
            "its job's memory (16 GiB)",
        ),
        (
            V1,
            {
                "memory/slurm/job_7/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n",
                "memory/slurm/job_7/memory.limit_in_bytes": f"{GIB // 2}\n",
                "memory/memory.limit_in_bytes": "9223372036854771712\n",
            },
            {"memory/slurm/job_7/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"},
            "its job's memory (512 MiB)",
        ),
        # A container's folder is the machine's; what is mounted is the container's own group.
        (V1, {"memory/memory.oom_control": "oom_kill 0\n"}, {"memory/memory.oom_control": "oom_kill 1\n"},
         "the machine's memory"),
    ],
)  # fmt: skip
def test_a_kill_for_want_of_memory_is_counted_and_named(groups, lines, before, after, whose):
    groups(lines, before)
    witness = memory.Witness()
    assert witness.line(KILLED) == memory.LEFT
    groups(lines, after)
    assert witness.line(KILLED) == f"{memory.USED_UP}{whose}"


@pytest.mark.parametrize(
    ("lines", "files"),
    [
        ("", {}),
        (V2, {}),
        (V2, {"slurm/job_7/step_0/memory.events": "oom 0\n"}),
        (V1, {"memory/slurm/job_7/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\n"}),
    ],
)
def test_where_nothing_is_counted_nothing_is_claimed(groups, lines, files):
    groups(lines, files)
    assert memory.Witness().line(KILLED) == ""


def test_an_end_of_its_own_accord_is_nobodys_kill(groups):
    groups(V2, {"slurm/job_7/step_0/memory.events": "oom_kill 2\n"})
    assert memory.Witness().line(1) == ""


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (
            f"{memory.USED_UP}its job's memory (16 GiB)",
            Cause(
                "llama.cpp was killed because its job's memory (16 GiB) was used up. "
                "Ask for more memory, or take a smaller model or context.",
                final=True,
            ),
        ),
        (memory.LEFT, Cause("llama.cpp was killed (SIGKILL) by somebody", final=False)),
        (
            "all was well",
            Cause(
                "llama.cpp was ended by SIGKILL (often this means that the machine ran out of memory)",
                final=False,
            ),
        ),
    ],
)
def test_a_person_is_told_who_killed_a_server(line, cause):
    assert backend("llama.cpp").explain(["loading", line], KILLED, None) == cause


@pytest.fixture
def small_group():
    """Return the folder of a real control group with little memory, in our own."""
    group = memory.own_group()
    limit = group and next((name for name in memory.LIMITS if group.counter.with_name(name).exists()), None)
    if not limit:
        pytest.skip("this machine shows no control group for memory")
    place = group.counter.parent / f"first-test-{uuid.uuid4().hex[:8]}"
    try:
        place.mkdir()
    except OSError:
        pytest.skip("only root on a machine with its own control groups can make one")
    try:
        (place / limit).write_text(str(250 << 20))
        yield place
    finally:
        assert not (place / "cgroup.procs").read_text()
        place.rmdir()


@pytest.mark.model
def test_a_model_that_is_too_large_for_its_job_says_so(small_group, start, llama_spec, tmp_path):
    move = f"echo $$ > {small_group}/cgroup.procs; exec {sys.executable} -m first_jupyter_remote.worker"
    spec = {**llama_spec, "context": 60_000, "parallel": 1}
    worker = start("serve", spec, "r1", str(tmp_path), command=["/bin/sh", "-c", move])
    last = worker.result()
    assert (last["stage"], last["restarts"]) == ("failed", 0)
    assert last["reason"] == (
        "llama.cpp was killed because its job's memory (250 MiB) was used up. "
        "Ask for more memory, or take a smaller model or context."
    )


@pytest.mark.model
def test_a_server_that_somebody_killed_says_so(serve, llama_spec):
    if memory.Witness().line(KILLED) != memory.LEFT:
        pytest.skip("this machine does not count who was killed for want of memory")
    worker = serve(llama_spec)
    worker.stage("ready")
    (server,) = (pid for pid, line in descendants(worker.process.pid).items() if "llama_server.py" in line)
    os.kill(server, signal.SIGKILL)
    assert worker.stage("loading")["reason"] == (
        "llama.cpp was killed (SIGKILL) by somebody; starting it again in 0.5 s"
    )
