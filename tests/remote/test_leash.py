"""The leash, with real processes that try to get away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from first_jupyter_remote.log import Log
from first_jupyter_remote.process import LEASH, Process
from processes import wait_for, wait_for_end

CHILD = "import os, time; print('runaway', os.getpid(), flush=True); time.sleep(600)"
FAMILY = f"""
import os, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {CHILD!r}])
print("command", os.getpid(), flush=True)
time.sleep(600)
"""

RUNAWAY = """
import os, sys, time
there, say = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.setsid()
        print("runaway", os.getpid(), flush=True)
        os.write(say, b".")
        time.sleep(600)
    os._exit(0)
print("command", os.getpid(), flush=True)
os.read(there, 1)
time.sleep(float(sys.argv[1]))
"""

AGENT = """
import os, subprocess, sys, time
leash, code = sys.argv[1:]
argv = [sys.executable, leash, str(os.getpid()), sys.executable, "-c", code, "600"]
subprocess.Popen(argv, stdin=subprocess.PIPE)
time.sleep(600)
"""


def run(*argv):
    log = Log()
    return Process(argv, os.environ, log), log


def runaways(lines):
    """Return the command's and the runaway's process ids, once both are known."""
    found = dict(line.split() for line in list(lines))
    return [int(found["command"]), int(found["runaway"])] if len(found) == 2 else None


def children(pid):
    """Return the process ids of a process's children."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize(
    ("code", "status"),
    [("pass", 0), ("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 9)", -signal.SIGKILL)],
)
def test_the_command_s_end_is_passed_on(code, status):
    process, _ = run(sys.executable, "-c", code)
    assert wait_for(lambda: process.poll() is not None)
    assert process.poll() == status


def test_a_command_that_is_not_there_is_named():
    process, log = run("/no/such/command")
    wait_for(lambda: process.poll() is not None)
    assert process.poll() == 127
    assert list(log.tail) == ["leash: cannot run '/no/such/command': No such file or directory"]


def test_sigterm_reaches_the_command():
    code = "import signal as s; s.signal(15, lambda *_: exit(3)); print('on', flush=True); s.pause()"
    process, log = run(sys.executable, "-c", code)
    wait_for(lambda: list(log.tail) == ["on"])
    process.terminate()
    wait_for(lambda: process.poll() is not None)
    assert process.poll() == 3


def test_a_runaway_grandchild_ends_with_the_command():
    process, log = run(sys.executable, "-c", RUNAWAY, "0")
    pids = wait_for(lambda: runaways(log.tail))
    wait_for(lambda: process.poll() is not None)
    assert process.poll() == 0
    wait_for_end(pids)


def test_a_runaway_grandchild_ends_when_the_process_is_killed():
    process, log = run(sys.executable, "-c", RUNAWAY, "600")
    pids = wait_for(lambda: runaways(log.tail))
    process.kill()
    assert process.poll() == -signal.SIGKILL
    wait_for_end(pids)


def test_everything_ends_when_the_agent_is_killed(tmp_path):
    out = tmp_path / "out"
    with out.open("w") as file:
        agent = subprocess.Popen([sys.executable, "-c", AGENT, str(LEASH), RUNAWAY], stdout=file)
    pids = wait_for(lambda: runaways(out.read_text().splitlines()))
    agent.kill()
    agent.wait()
    wait_for_end(pids)


def test_a_command_that_ignores_sigterm_is_killed():
    code = "import signal as s; s.signal(15, s.SIG_IGN); print('on', flush=True); s.pause()"
    process, log = run(sys.executable, "-c", code)
    wait_for(lambda: list(log.tail) == ["on"])
    process.terminate()
    process.kill()
    assert process.poll() == -signal.SIGKILL


def test_everything_ends_when_the_agent_and_the_leash_are_killed(tmp_path):
    out = tmp_path / "out"
    with out.open("w") as file:
        agent = subprocess.Popen([sys.executable, "-c", AGENT, str(LEASH), FAMILY], stdout=file)
    pids = wait_for(lambda: runaways(out.read_text().splitlines()))
    (leash,) = children(agent.pid)
    os.kill(agent.pid, signal.SIGSTOP)
    os.kill(leash, signal.SIGKILL)
    agent.kill()
    agent.wait()
    wait_for_end(pids)


def test_the_command_ends_when_the_leash_is_killed():
    process, log = run(
        sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    )
    wait_for(lambda: log.tail)
    os.kill(process.pid, signal.SIGKILL)
    wait_for(lambda: process.poll() is not None)
    wait_for_end([int(log.tail[0])])


def test_a_log_cannot_outgrow_its_limit(tmp_path):
    log = Log(tmp_path / "a.log", limit=10_000)
    for number in range(1000):
        log.add(f"line {number} {'x' * 50}")
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["a.log", "a.log.1"]
    assert all(file.stat().st_size < 11_000 and file.stat().st_mode & 0o777 == 0o600 for file in files)
    assert Path(files[0]).read_text().endswith(f"line 999 {'x' * 50}\n")
