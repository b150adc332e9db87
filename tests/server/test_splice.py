"""Two replicas' streams become one, as a client sees it."""

import json

import pytest
from first_jupyter_server.dataplane.sieve import Sieve
from first_jupyter_server.dataplane.splice import Diverged, Seam, Splice, finish_events
from first_jupyter_server.dataplane.transcript import SoFar, Transcript

from .recordings import recorded, seen

SEAM = Seam(7, "desk/1", "lab/2", "lab")
GIVEN = {"chat": ("1. Red:", 4), "text": (" Paris.", 2)}
"""What the replicas of the recordings that go on were given, and of how many tokens."""


def gone_on(first, second, cut, given):
    """Break the first stream after so many bytes; return what the client gets, None where it is too early."""
    passed, kept = Sieve().take(recorded(first)[:cut]), Transcript(chat="text" not in first)
    kept.read(passed)
    so_far = kept.so_far()
    text, tokens = given
    if not so_far.text.startswith(text) or so_far.finish:
        return None
    splice = Splice(so_far, so_far.text[len(text) :], tokens, (SEAM,))
    return passed + splice.feed(recorded(second)) + splice.rest()


@pytest.mark.parametrize("backend", ["llama", "vllm"])
@pytest.mark.parametrize("other", ["llama", "vllm"])
@pytest.mark.parametrize("kind", ["chat", "text"])
def test_a_stream_that_breaks_after_any_byte_goes_on_as_if_it_had_not(backend, other, kind):
    first, second = f"{backend}-{kind}", f"{other}-{kind}-goes-on"
    whole = seen(recorded(first))
    breaks = 0
    for cut in range(len(recorded(first))):
        raw = gone_on(first, second, cut, GIVEN[kind])
        if raw is None:
            continue
        breaks += 1
        answer = seen(raw)
        assert answer.text == whole.text
        assert answer.ids == whole.ids
        # llama.cpp's own events differ in the second they were made in.
        assert answer.created <= whole.created
        assert (answer.roles, answer.finishes, answer.done) == (whole.roles, whole.finishes, True)
        for key in ("prompt_tokens", "completion_tokens", "total_tokens"):
            assert answer.usage[key] == whole.usage[key]
        assert all(seams == [SEAM.public()] for seams in answer.seams)
    assert breaks > 1000


@pytest.mark.parametrize("second", ["llama-chat-goes-on", "vllm-chat-goes-on"])
def test_it_does_not_matter_how_the_second_stream_is_split(second):
    raw = recorded(second)
    so_far = SoFar({"id": "1"}, begun=True, text="1. Red: This is")
    whole = Splice(so_far, " This is", 4, (SEAM,)).feed(raw)
    for cut in range(1, len(raw)):
        splice = Splice(so_far, " This is", 4, (SEAM,))
        assert splice.feed(raw[:cut]) + splice.feed(raw[cut:]) == whole


@pytest.mark.parametrize(("second", "notes"), [("llama-chat-goes-on", 2), ("llama-text-goes-on", 1)])
def test_the_seam_is_told_with_the_reason_and_with_the_usage(second, notes):
    splice = Splice(SoFar(), "", 0, (SEAM,))
    assert (
        seen(splice.feed(recorded(second))).seams
        == [[{"at": 7, "from": "desk/1", "to": "lab/2", "cluster": "lab"}]] * notes
    )


def test_a_role_that_was_not_said_yet_is_said():
    assert seen(Splice(SoFar(), "", 0, (SEAM,)).feed(recorded("vllm-chat"))).roles == 1


def event(text, finish=None, **delta):
    choice = {"index": 0, "delta": {"content": text, **delta}, "finish_reason": finish}
    return b"data: " + json.dumps({"id": "2", "choices": [choice]}).encode() + b"\n\n"


def spliced(*events, known=""):
    splice = Splice(SoFar({"id": "1"}, begun=True, text="x"), known, 0, (SEAM,))
    raw = b"".join(map(splice.feed, events))
    return "".join(
        json.loads(line[6:])["choices"][0]["delta"]["content"] for line in raw.split(b"\n") if line
    )


@pytest.mark.parametrize(
    ("known", "texts", "unseen"),
    [
        (" col", [" col", "our"], "our"),
        (" col", [" c", "ol", "our"], "our"),
        (" col", [" colour", " of"], "our of"),
        ("", [" col"], " col"),
    ],
)
def test_what_the_client_has_seen_is_not_sent_again(known, texts, unseen):
    assert spliced(*map(event, texts), known=known) == unseen


@pytest.mark.parametrize(
    "events",
    [
        [event(" hue")],
        [event(" co"), event("at")],
        [event(" co", finish="stop")],
        [event("", finish="stop")],
        [event(None, reasoning_content="They ask me to")],
    ],
)
def test_a_replica_that_writes_something_else_is_of_no_use(events):
    with pytest.raises(Diverged):
        spliced(*events, known=" col")


def test_what_is_no_event_of_an_answer_passes():
    for raw in (
        b": still here\n\n",
        b"data: [DONE]\n\n",
        b"data: {]\n\n",
        b'data: {"error":{"code":500}}\n\n',
    ):
        assert Splice(SoFar(), "", 0, ()).feed(raw) == raw


def test_an_empty_piece_passes_since_it_is_a_token():
    assert Splice(SoFar(begun=True), "", 0, ()).feed(event("")) != b""


@pytest.mark.parametrize("chat", [True, False])
def test_an_answer_at_its_limit_is_ended_without_another_replica(chat):
    so_far = SoFar({"id": "1", "created": 7}, text="x")
    answer = seen(finish_events(so_far, (SEAM,), chat=chat))
    assert (answer.ids, answer.finishes, answer.done) == ({"1"}, ["length"], True)
    assert answer.seams == [[SEAM.public()]]


def test_an_answer_that_lacks_its_end_mark_alone_gets_it():
    assert finish_events(SoFar(finish="stop"), (), chat=True) == b"data: [DONE]\n\n"
