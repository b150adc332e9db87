"""What an answer remembers while it goes from one replica to the next."""

import json

import pytest
from first_jupyter_server.dataplane.going_on import GoingOn
from first_jupyter_server.dataplane.passed import Passed
from first_jupyter_server.federation.catalog import Place, Replica
from first_jupyter_server.federation.decision import Route

from .recordings import seen

BODY = b'{"model":"m","messages":[{"role":"user","content":"Why?"}],"stream":true}'
DONE = b"data: [DONE]\n\n"


class Answer(GoingOn):
    """An answer whose client gets all that it may."""

    def __init__(self):
        self.passed = Passed()
        super().__init__(BODY, "chat/completions", "local", self.passed)

    def passes(self, data):
        data = self.take(data)
        self.passed.add(data)
        return data


def route(name, kind="local"):
    return Route(Place(name, kind, "vllm"), Replica(f"{name}/1", "127.0.0.1", 1))


def says(*texts, finish=None):
    choices = [{"index": 0, "delta": {"content": text}, "finish_reason": finish} for text in texts]
    return b"".join(
        b"data: %b\n\n" % json.dumps({"id": "1", "created": 1, "choices": [choice]}).encode()
        for choice in choices
    )


@pytest.fixture
def lost():
    """An answer that lost its replica after its first words, of which the last is to be written again."""
    answer = Answer()
    answer.passes(says("The", " sky"))
    answer.lost(route("a"), "it went away")
    answer.request()
    return answer


def test_an_answer_waits_until_the_next_replica_writes_something_new(lost):
    began = []
    lost.joins(route("b"), lambda: began.append(True))
    assert lost.passes(says(" sky") + b": still here\n\n") == b": still here\n\n"
    assert (lost.waits, began) == (True, [])
    assert seen(lost.passes(says(" is"))).text == " is"
    assert (lost.waits, began) == (False, [True])


def test_seams_are_those_of_replicas_that_wrote(lost):
    for name, texts in (("b", [" sky", " is"]), ("c", [" is", " blue"])):
        lost.joins(route("none"), bool)
        lost.request()
        lost.joins(route(name), bool)
        lost.passes(says(*texts))
        lost.lost(route(name), "it went away")
        lost.request()
    lost.joins(route("d"), bool)
    (seams,) = seen(lost.passes(says(" blue", ".", finish="stop"))).seams[-1:]
    assert [(seam["at"], seam["from"], seam["to"]) for seam in seams] == [
        (7, "a/1", "b/1"),
        (10, "b/1", "c/1"),
        (15, "c/1", "d/1"),
    ]


def test_all_of_the_text_is_given_where_nothing_was_written_but_what_was_known(lost):
    lost.joins(route("b"), bool)
    lost.passes(says(" sky"))
    lost.lost(route("b"), "it ended the answer without saying why")
    (_, given) = json.loads(lost.request())["messages"]
    assert given["content"] == "The sky"


@pytest.mark.parametrize(("kind", "given_up"), [("first-gateway", True), ("local", False)])
def test_who_goes_on_may_cut_like_who_began(lost, kind, given_up):
    lost.joins(route("b", kind), bool)
    passed = lost.passes(says(" sky", " is") + DONE)
    assert (passed.endswith(DONE), bool(lost.given_up)) == (not given_up, given_up)


@pytest.mark.parametrize(("backend", "may"), [("vllm", True), ("other", False)])
def test_a_look_at_an_answer_changes_nothing(backend, may):
    answer = Answer()
    answer.passes(says("The"))
    assert answer.may_go_on(route("a"), [Place("b", "local", backend)]) is may
    assert not answer.waits
    assert answer.passes(says(" sky") + DONE) == says(" sky") + DONE


def test_half_an_event_of_a_lost_replica_is_forgotten(lost):
    lost.joins(route("b"), bool)
    lost.passes(says(" sky", " is") + says(" blue")[:20])
    lost.lost(route("b"), "it went away")
    lost.request()
    lost.joins(route("c"), bool)
    assert seen(lost.passes(says(" is", " grey"))).text == " grey"
