"""Several processes as one server, with real processes."""

from __future__ import annotations

import os

import pytest
from first_jupyter_remote.backends.base import Follower, Launch
from first_jupyter_remote.crew import Crew
from first_jupyter_remote.log import Log
from processes import wait_for, wait_for_end


@pytest.fixture
def run():
    """Return a function that runs a crew of shell scripts, the first one here and the others on n2, n3 …."""
    crews = []

    def run(*scripts, env=None):
        lead, *others = (["sh", "-c", script] for script in scripts)
        parts = tuple(
            Follower(f"n{number}", ("env",), "127.0.0.1", argv) for number, argv in enumerate(others, 2)
        )
        log, heard = Log(), []
        launch = Launch(lead, env or {}, parts)
        crews.append(Crew(launch, os.environ, {}, log=log, on_line=heard.append, wake=lambda: None))
        return crews[-1], log, heard

    yield run
    for crew in crews:
        crew.kill()


def test_lines_from_other_nodes_begin_with_the_node_s_name(run):
    crew, log, heard = run("echo here; sleep 600", "echo there; sleep 600")
    wait_for(lambda: len(log.tail) == 2)
    assert sorted(log.tail) == ["here", "n2: there"]
    assert heard == ["here"]
    assert crew.ended() is None


@pytest.mark.parametrize(
    ("scripts", "host", "code", "words"),
    [
        (("echo a; exit 3", "sleep 600"), "", 3, "a"),
        (("sleep 600", "sleep 600", "echo b; exit 4"), "n3", 4, "b"),
        (("sleep 600", "echo c; kill -9 $$"), "n2", -9, "c"),
    ],
    ids=["here", "there", "killed there"],
)
def test_the_first_to_end_tells_why(run, scripts, host, code, words):
    crew, _, _ = run(*scripts)
    first = wait_for(crew.ended)
    assert (first.host, first.process.poll(), first.words.tail[0]) == (host, code, words)


def test_who_ends_later_changes_nothing(run, tmp_path):
    gate = tmp_path / "gate"
    crew, _, _ = run(f"while [ ! -e {gate} ]; do sleep 0.05; done", "exit 5")
    assert wait_for(crew.ended).host == "n2"
    gate.touch()
    wait_for(lambda: not crew.live())
    assert crew.ended().host == "n2"


def test_all_are_asked_to_end_together(run):
    crew, log, _ = run(*["trap 'exit 0' TERM; echo $$; while :; do sleep 0.05; done"] * 3)
    wait_for(lambda: len(log.tail) == 3)
    crew.terminate()
    wait_for(lambda: not crew.live())
    assert [member.process.poll() for member in crew.members] == [0, 0, 0]


def test_nothing_is_left_of_a_crew_that_is_killed(run):
    crew, log, _ = run(*["echo $$; exec sleep 600"] * 3)
    wait_for(lambda: len(log.tail) == 3)
    crew.kill()
    pids = [int(line.rpartition(" ")[2]) for line in log.tail]
    wait_for_end(pids)


def test_what_the_launcher_leaves_behind_ends_with_the_crew(run):
    crew, log, _ = run("sleep 600", "echo $$; exec sleep 600")
    wait_for(lambda: len(log.tail) == 1)
    pid = int(log.tail[0].rpartition(" ")[2])
    crew._tether.cut()
    wait_for_end([pid])
    assert crew.members[0].process.poll() is None


def test_a_part_that_cannot_reach_this_node_says_so():
    log = Log()
    part = Follower("n2", ("env",), "no-such-host.invalid", ["true"])
    crew = Crew(
        Launch(["sleep", "600"], {}, (part,)), os.environ, {}, log=log, on_line=print, wake=lambda: None
    )
    try:
        assert wait_for(crew.ended).host == "n2"
        assert "cannot reach no-such-host.invalid" in log.tail[0]
    finally:
        crew.kill()


def test_the_others_get_their_own_environment_and_not_the_first_one_s(run):
    _, log, _ = run("echo key=$KEY; sleep 600", "echo key=$KEY; sleep 600", env={"KEY": "secret"})
    wait_for(lambda: len(log.tail) == 2)
    assert sorted(log.tail) == ["key=secret", "n2: key="]
