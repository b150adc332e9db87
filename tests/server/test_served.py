"""What becomes of a model when its replicas end: whether it is started again, and what is said of it."""

import time

import pytest
from first_jupyter_remote.protocol import ReplicaRecord, Stage
from first_jupyter_server.clusters import replicas
from first_jupyter_server.clusters.replicas import Served, ended, offer
from first_jupyter_server.clusters.running import Running
from first_jupyter_server.config import LocalModel
from first_jupyter_server.federation.catalog import State

CANCELLED = "its node agent was told to end (SIGTERM)"


@pytest.fixture
def served():
    return Served(LocalModel(id="m", backend="vllm", weights={"path": "/w"}))


def begin(served, replica="r", stage=Stage.LOADING, **more):
    run = Running(ReplicaRecord(replica, "m", stage, "loading the weights"), **more)
    served.begin(run)
    return run


def lose(served, run, stage=Stage.STOPPED, **more):
    served.end(ended(run.record, stage, CANCELLED, **{"again": True, **more}))
    return served.place("c", "k")


def test_a_replica_that_was_lost_may_be_started_again(served):
    place = lose(served, begin(served))
    assert (place.state, place.reason, place.again) == (State.COLD, CANCELLED, True)


def test_a_failure_that_was_none_of_its_own_names_the_remedy(served):
    place = lose(served, begin(served), Stage.FAILED)
    assert (place.state, place.reason, place.again) == (State.OFFLINE, f"{CANCELLED}; start it again", True)


def test_a_failure_of_its_own_is_not_tried_again(served):
    assert not lose(served, begin(served), Stage.FAILED, again=False).again


def offered(served):
    return offer(served, served.place("c", "k"))


@pytest.mark.parametrize(
    ("keys", "abilities"),
    [
        ({}, ("chat", "completions", "responses")),
        ({"embeddings": True}, ("embeddings",)),
        ({"abilities": ["chat", "tools"]}, ("chat", "tools")),
        ({"abilities": []}, ()),
    ],
)
def test_a_model_can_do_what_the_file_says_else_what_is_usual(keys, abilities):
    model = LocalModel(id="m", backend="vllm", weights={"path": "/w"}, **keys)
    assert offered(Served(model)).abilities == abilities


def test_the_context_is_the_running_replica_s_where_the_file_names_none(served):
    assert offered(served).context is None
    first, second = begin(served), begin(served, "r2")
    first.take(ReplicaRecord("r", "m", Stage.READY, context=8192))
    second.take(ReplicaRecord("r2", "m", Stage.READY, context=4096))
    assert offered(served).context == 4096
    lose(served, second)
    assert offered(served).context == 8192
    lose(served, first)
    assert offered(served).context == 8192


def test_the_context_of_the_file_holds():
    served = Served(LocalModel(id="m", backend="vllm", weights={"path": "/w"}, context=1000))
    begin(served).take(ReplicaRecord("r", "m", Stage.READY, context=1024))
    assert offered(served).context == 1000


def test_a_failure_with_a_log_names_the_command_that_shows_it(served):
    run = begin(served)
    served.end(
        ReplicaRecord("r", "m", Stage.FAILED, "no memory.", node="n1", log=("a", "b"), log_file="/r.log")
    )
    assert run not in served.running.values()
    assert served.place("c", "k").reason == "no memory; `%first log m` shows the end of its log"
    failure = served.failure("c")
    assert (failure.cluster, failure.replica, failure.node, failure.reason) == ("c", "r", "n1", "no memory.")
    assert (failure.lines, failure.file) == (("a", "b"), "/r.log")


def test_what_has_not_failed_has_no_failure_to_tell_of(served):
    assert served.failure("c") is None
    lose(served, begin(served))
    assert served.failure("c") is None


def test_a_replica_that_somebody_stopped_is_not_started_again_however_it_ended(served):
    assert not lose(served, begin(served, stopped=True)).again


def test_the_one_that_is_started_again_says_why_until_it_is_ready(served):
    lose(served, begin(served))
    again = begin(served, "r2")
    assert served.place("c", "k").reason == f"loading the weights; started again: {CANCELLED}"
    again.host = "n1"
    again.take(ReplicaRecord("r2", "m", Stage.READY))
    assert served.place("c", "k").reason == ""


def test_the_one_that_is_started_much_later_does_not(served, monkeypatch):
    lose(served, begin(served))
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + replicas.SOON + 1)
    begin(served, "r2")
    assert served.place("c", "k").reason == "loading the weights"
