"""Replicas that sleep: when, in whose favour, and what wakes them; the server is a stand-in for vLLM's."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from queue import Queue

import pytest
from first_jupyter_remote import agent, functions, sleep
from first_jupyter_remote.sleep import Sleep, is_due
from first_jupyter_remote.stopping import Stop
from first_jupyter_remote.turns import Turns
from processes import descendants, wait_for

FAKE = Path(__file__).with_name("fake_server.py")
IDLE = "vllm:num_requests_running 0\nvllm:generation_tokens_total 1\n"
NOBODY = (0, None)
A_LOADER = (1, None)


@pytest.mark.parametrize(
    ("idle", "awake", "wanted", "waiting", "due"),
    [
        (59, 90, False, NOBODY, False),
        (60, 90, False, NOBODY, True),
        (60, 60, True, NOBODY, True),
        (14, 90, False, A_LOADER, False),
        (15, 90, False, A_LOADER, True),
        (0, 900, False, (3, None), False),
        (2, 90, False, (1, 10), False),
        (3, 90, False, (1, 0), True),
        (3, 3, True, (1, 10), False),
        (15, 15, True, (1, 10), True),
        (0, 90, False, (1, 19), False),
        (0, 90, False, (1, 20), True),
        (0, 19, False, (2, 900), False),
        (0, 20, False, (2, 900), True),
    ],
)
def test_a_replica_sleeps_when_nobody_uses_it_or_others_have_waited_long_enough(
    idle, awake, wanted, waiting, due
):
    assert is_due(60.0, idle=idle, awake=awake, wanted=wanted, waiting=waiting) is due


def test_without_sleep_after_nobody_sleeps():
    rest = Sleep(None)
    rest.wake(0.0)
    assert not rest.is_due(1e9, (3, 1e9))


def test_requests_that_are_answered_before_it_sleeps_do_not_hide_that_somebody_wants_it():
    rest = Sleep(60.0)
    rest.wake(0.0)
    rest.begin()
    rest.want(1.0)
    rest.use(2.0)
    assert rest.wanted


@pytest.mark.parametrize(("was_awake", "wanted"), [(True, True), (False, False)])
def test_who_used_a_server_that_is_lost_waits_for_the_next_one(was_awake, wanted):
    rest = Sleep(60.0, wanted=False)
    if was_awake:
        rest.wake(0.0)
    rest.lost()
    assert rest.wanted is wanted


def test_the_turn_goes_on_in_the_order_of_asking():
    turns = Turns()
    assert turns.ask("a", 0.0, urgent=False)
    assert [turns.ask(name, 1.0, urgent=False) for name in "bca"] == [False, False, True]
    turns.leave("a")
    assert [turns.ask(name, 2.0, urgent=False) for name in "cb"] == [False, True]


def test_who_stands_in_the_line_from_the_beginning_goes_first():
    turns = Turns(["a", "b"])
    assert [turns.ask(name, 0.0, urgent=False) for name in "ba"] == [False, True]


def test_who_is_waited_for_goes_before_who_only_loads():
    turns = Turns()
    turns.ask("a", 0.0, urgent=True)
    turns.ask("b", 1.0, urgent=False)
    turns.ask("c", 2.0, urgent=True)
    assert turns.waiting(5.0) == (2, 3.0)
    turns.leave("a")
    assert [turns.ask("b", 6.0, urgent=False), turns.ask("c", 6.0, urgent=True)] == [False, True]
    assert turns.waiting(6.0) == (1, None)


def test_who_becomes_urgent_has_waited_from_then_on():
    turns = Turns()
    turns.ask("a", 0.0, urgent=True)
    turns.ask("b", 1.0, urgent=False)
    turns.ask("b", 8.0, urgent=True)
    turns.ask("b", 9.0, urgent=True)
    assert turns.waiting(10.0) == (1, 2.0)


def test_who_leaves_the_line_holds_up_nobody():
    turns = Turns()
    turns.ask("a", 0.0, urgent=True)
    turns.ask("b", 0.0, urgent=True)
    turns.leave("b")
    turns.leave("a")
    assert turns.waiting(0.0) == NOBODY
    assert turns.ask("c", 0.0, urgent=False)


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Return the folder of the servers, and a function that makes a model for them; waits are short."""
    for name in ("LOOK_EVERY", "LOAD_EVERY"):
        monkeypatch.setattr(agent, name, 0.1)
    server = tmp_path / "server"
    server.mkdir()
    script = server / "python"
    script.write_text(f"#!{sys.executable}\n{FAKE.read_text()}")
    script.chmod(0o755)
    (server / "up").touch()
    (server / "metrics").write_text(IDLE)

    def model(name="lab/fake", sleep_after=0.5):
        return {
            "id": name,
            "backend": "vllm",
            "python": str(script),
            "weights": {"path": str(server)},
            "sleep_after": sleep_after,
            "env": {"FAKE_NAME": name},
        }

    return server, model


def diary(server):
    """Return what the servers were told."""
    return (server / "diary").read_text().split("\n")[:-1]


def test_a_replica_sleeps_when_nobody_has_used_it_and_wakes_on_an_order(fake, serve_here, tmp_path):
    server, model = fake
    running = serve_here(model())
    assert running.wait(lambda record: record["reason"] == "asleep")["stage"] == "asleep"
    assert functions.wake(str(tmp_path), "r1")["stage"] == "asleep"
    woken = running.wait(lambda record: record["wakes"] == 1 and record["stage"] == "ready")
    assert diary(server) == ["lab/fake load", "lab/fake sleep", "lab/fake wake"]
    assert woken["port"] == running.stage("ready")["port"]
    assert woken["restarts"] == 0


def test_one_that_is_used_stays_awake(fake, serve_here):
    server, model = fake
    running = serve_here(model(sleep_after=1.0))
    running.stage("ready")
    end, tokens = time.monotonic() + 3.0, 1
    while time.monotonic() < end:
        tokens += 1
        (server / "metrics").write_text(IDLE.replace("total 1", f"total {tokens}"))
        time.sleep(0.1)
    assert diary(server) == ["lab/fake load"]
    running.stage("asleep")


def test_it_sleeps_only_when_it_has_answered(fake, serve_here):
    server, model = fake
    (server / "busy").touch()
    running = serve_here(model())
    assert running.stage("asleep")["reason"] == "going to sleep once it has answered"
    time.sleep(0.5)
    assert diary(server) == ["lab/fake load"]
    (server / "busy").unlink()
    running.wait(lambda record: record["reason"] == "asleep")


def test_a_request_that_came_as_it_fell_asleep_wakes_it(fake, serve_here):
    server, model = fake
    (server / "waiting").touch()
    running = serve_here(model())
    running.wait(lambda record: record["wakes"] == 1 and record["stage"] == "ready")


def test_a_sleeping_replica_keeps_its_lease(fake, serve_here):
    running = serve_here({**fake[1](), "idle_ttl": 3.0})
    running.stage("asleep")
    last = running.end()
    assert (last["stage"], last["reason"]) == ("stopped", "nobody has used it for 3 s")


def test_a_sleeping_replica_can_be_stopped(fake, serve_here, tmp_path):
    running = serve_here(fake[1]())
    running.stage("asleep")
    functions.stop(str(tmp_path), "r1")
    assert running.end()["reason"] == "somebody asked it to end"


def test_a_server_that_cannot_sleep_stays_awake_and_says_so(fake, serve_here):
    server, model = fake
    (server / "sleepless").touch()
    running = serve_here(model())
    assert running.stage("ready")["reason"] == "this machine's vllm cannot sleep, so it stays awake"
    time.sleep(1.5)
    assert running.records[-1]["stage"] == "ready"


class Together:
    """Replicas that have the GPUs in turn, with what they report."""

    def __init__(self, home, *specs):
        self.stop, self.news, self.last = Stop(), Queue(), {}
        parts = [{"spec": spec, "replica": spec["id"]} for spec in specs]
        call = (parts, str(home), self.news.put, self.stop)
        self.thread = threading.Thread(target=functions.serve_together, args=call)
        self.thread.start()

    def wait(self, wanted):
        """Wait until the last records, by replica, are as they are wanted."""
        end = time.monotonic() + 30
        while not wanted(self.last):
            record = self.news.get(timeout=max(0.01, end - time.monotonic()))
            self.last[record["replica"]] = record

    def stages(self, **stages):
        self.wait(lambda last: {name: last.get(name, {}).get("stage") for name in stages} == stages)


@pytest.fixture
def in_turn(fake, tmp_path, monkeypatch):
    """Return a function that serves models in turn; they end with the test."""
    calls = []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    for name, seconds in (("ARRIVAL", 0.6), ("LULL", 0.3)):
        monkeypatch.setattr(sleep, name, seconds)

    def in_turn(*names):
        calls.append(Together(tmp_path, *(fake[1](name, sleep_after=60.0) for name in names)))
        return calls[-1]

    yield in_turn
    for call in calls:
        call.stop.ask("the test is over", hurry=True)
        call.thread.join(timeout=60)
        assert not call.thread.is_alive()


def test_models_that_share_gpus_load_one_after_the_other_and_one_is_awake(fake, in_turn):
    task = in_turn("a", "b", "c")
    task.stages(a="asleep", b="asleep", c="ready")
    assert diary(fake[0]) == ["a load", "a sleep", "b load", "b sleep", "c load"]


def test_one_that_is_woken_has_the_gpus_when_the_other_one_sleeps(fake, in_turn, tmp_path):
    task = in_turn("a", "b")
    task.stages(a="asleep", b="ready")
    functions.wake(str(tmp_path), "a")
    task.stages(a="ready", b="asleep")
    assert diary(fake[0])[-2:] == ["b sleep", "a wake"]


def test_one_in_constant_use_makes_room_after_a_while(fake, in_turn, tmp_path, monkeypatch):
    monkeypatch.setattr(sleep, "PATIENCE", 2.0)
    task = in_turn("a", "b")
    task.stages(a="asleep", b="ready")
    (fake[0] / "metrics").write_text(IDLE.replace("running 0", "running 1"))
    functions.wake(str(tmp_path), "a")
    task.wait(lambda last: last["a"]["reason"] == "waiting for its turn on the node's GPUs")
    asked = time.monotonic()
    task.stages(a="ready", b="asleep")
    assert 1.0 < time.monotonic() - asked < 4.0


def test_one_that_ends_gives_its_turn_back(fake, in_turn, tmp_path):
    task = in_turn("a", "b")
    task.stages(a="ready", b="loading")
    functions.stop(str(tmp_path), "a")
    task.stages(a="stopped", b="ready")


def test_one_that_dies_asleep_waits_for_its_turn_to_load_again(fake, in_turn, tmp_path):
    task = in_turn("a", "b")
    task.stages(a="asleep", b="ready")
    (pid,) = (pid for pid, line in descendants(os.getpid()).items() if "--served-model-name a " in line)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: diary(fake[0])[-2:] == ["b sleep", "a load"])
    task.stages(a="ready", b="asleep")


def test_a_server_that_does_not_wake_up_is_started_again(fake, serve_here, tmp_path):
    server, model = fake
    running = serve_here(model())
    running.wait(lambda record: record["reason"] == "asleep")
    (server / "sleeper").touch()
    functions.wake(str(tmp_path), "r1")
    again = running.wait(lambda record: record["restarts"] == 1)
    assert again["reason"].startswith("vllm did not wake up: 500")
