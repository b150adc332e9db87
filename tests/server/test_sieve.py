"""What a client may get now of a stream, and what it never gets."""

import pytest
from first_jupyter_server.dataplane import sieve as sieves
from first_jupyter_server.dataplane.sieve import Sieve

from .recordings import recorded
from .test_transcript import ANSWERS, event, text_events


def taken(*pieces):
    sieve = Sieve()
    return sieve, b"".join(sieve.take(piece) for piece in pieces)


@pytest.mark.parametrize("name", ANSWERS)
def test_all_of_a_stream_is_passed_on_wherever_it_is_split(name):
    raw = recorded(name)
    for cut in range(1, len(raw)):
        sieve, passed = taken(raw[:cut], raw[cut:])
        assert (passed, sieve.broken) == (raw, "")


def test_whole_events_are_passed_on_as_the_object_that_they_came_in():
    data = b"".join(text_events("a", "b"))
    assert Sieve().take(data) is data


def test_an_event_that_is_too_large_to_be_held_is_passed_on(monkeypatch):
    monkeypatch.setattr(sieves, "MAX_EVENT", 10)
    sieve, passed = taken(b"data: 0123456789")
    assert (passed, sieve.is_large) == (b"data: 0123456789", True)


@pytest.mark.parametrize("name", ANSWERS)
def test_a_client_never_gets_half_an_event(name):
    raw = recorded(name)
    for cut in range(1, len(raw)):
        assert Sieve().take(raw[:cut]) == raw[: raw.rfind(b"\n\n", 0, cut) + 2 if b"\n\n" in raw[:cut] else 0]


def test_what_has_no_blank_line_after_it_is_passed_on_at_the_end():
    sieve = Sieve()
    assert (sieve.take(b"data: [DONE]\n"), sieve.rest()) == (b"", b"data: [DONE]\n")


def test_vllm_that_gives_up_is_not_passed_on_wherever_its_stream_is_split():
    raw = recorded("vllm-killed")
    last = raw.index(b'data: {"error"')
    for cut in range(1, len(raw)):
        sieve = Sieve()
        passed = sieve.take(raw[:cut])
        if not sieve.broken:
            passed += sieve.take(raw[cut:])
        assert passed == raw[:last]
        assert sieve.broken.startswith("EngineCore encountered an issue")


@pytest.mark.parametrize("colon", [b":", b": "])
def test_a_gateway_that_gives_up_is_not_taken_for_an_answer(colon):
    gives_up = b'data: {"object"%b"error","message":"No data received","code":504}\n\n' % colon
    sieve, passed = taken(*text_events("a"), gives_up + b"data: [DONE]\n\n")
    assert (passed, sieve.broken) == (text_events("a")[0], "No data received")


@pytest.mark.parametrize(
    ("finish", "cuts", "broken"),
    [
        (None, True, "it ended the answer without saying why"),
        ("stop", True, ""),
        (None, False, ""),
    ],
)
def test_an_end_without_a_reason_is_none_where_servers_are_known_to_cut(finish, cuts, broken):
    sieve = Sieve((lambda last: finish is not None) if cuts else None)
    events = [*text_events("a"), *([event({}, finish_reason=finish)] if finish else [])]
    passed = b"".join(sieve.take(piece) for piece in (*events, b"data: [DONE]\n\n"))
    assert sieve.broken == broken
    assert passed == b"".join(events) + (b"" if broken else b"data: [DONE]\n\n")


def test_a_request_that_the_server_drops_is_given_up():
    sieve, passed = taken(*text_events("a"), event({}, finish_reason="abort"))
    assert (passed, sieve.broken) == (text_events("a")[0], "it dropped the request")


@pytest.mark.parametrize(
    "raw",
    [
        b'data: {"error":{"message":"too long","code":400}}\n\n',
        event({"content": '"error":{} and "abort"'}),
        event({"content": "abort"}),
    ],
)
def test_what_only_looks_like_giving_up_is_passed_on(raw):
    sieve, passed = taken(raw)
    assert (passed, sieve.broken) == (raw, "")
