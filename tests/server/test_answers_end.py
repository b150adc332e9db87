"""What the data plane reads from an answer's end."""

import pytest
from first_jupyter_server.dataplane import passed
from first_jupyter_server.dataplane.passed import Passed, Usage

USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":5,"details":{"x":0}}}\n\n'


def tail_of(*pieces):
    tail = Passed()
    for piece in pieces:
        tail.add(piece)
    return tail


@pytest.mark.parametrize(
    ("pieces", "done"),
    [
        ([b"data: {}\n\n", b"data: [DONE]\n\n"], True),
        ([b"data: {}\n\ndata: [DO", b"NE]\n\n"], True),
        ([b"data: [DONE]"], True),
        ([b"data: {}\n\n"], False),
        ([b'data: {"content":"data: [DONE] is how streams end"}\n\n'], False),
        ([], False),
    ],
)
def test_the_end_mark_is_seen_however_it_is_cut(pieces, done):
    assert tail_of(*pieces).is_done is done


@pytest.mark.parametrize(
    ("pieces", "boundary"),
    [
        ([], True),
        ([b"data: {}\n\n"], True),
        ([b"data: {}\r\n\r\n"], True),
        ([b'data: {"con'], False),
        ([b"x\n"], False),
    ],
)
def test_an_event_may_begin_only_between_events(pieces, boundary):
    assert tail_of(*pieces).at_event_boundary is boundary


@pytest.mark.parametrize(
    ("pieces", "usage"),
    [
        ([USAGE, b"data: [DONE]\n\n"], Usage(7, 5)),
        ([USAGE[:40], USAGE[40:], b"data: [DONE]\n\n"], Usage(7, 5)),
        ([b'{"usage": {"input_tokens": 3, "output_tokens": 4}}'], Usage(3, 4)),
        ([b'{"usage":null}'], Usage()),
        ([b'{"usage":{"prompt_tokens":1'], Usage()),
        ([b"x" * 100_000, USAGE], Usage(7, 5)),
        ([b"no usage at all"], Usage()),
        (
            [b"data: {}\n\n", b"data: {}\n\ndata: {}\n\n", b"data: {}\n\n", b"data: [DONE]\n\n"],
            Usage(None, 2),
        ),
    ],
)
def test_usage_is_read_in_either_apis_words(pieces, usage):
    assert tail_of(*pieces).usage() == usage


def test_only_the_end_is_kept():
    tail = tail_of(*[b"x" * 1000] * 1000)
    assert sum(len(piece) for piece in tail._pieces) <= 2 * 2048 + 1000


def test_all_that_was_passed_on_is_kept_where_that_is_asked_for_and_told_once():
    kept = Passed()
    kept.keep()
    pieces = [b'data: {"text":"%d"}\n\n' % number for number in range(5_000)]
    for piece in pieces[:3_000]:
        kept.add(piece)
    assert kept.unread() == b"".join(pieces[:3_000])
    for piece in pieces[3_000:]:
        kept.add(piece)
    assert kept.unread() == b"".join(pieces[3_000:])
    assert kept.unread() == b""


def test_a_long_answer_takes_little_room():
    kept = Passed()
    kept.keep()
    for number in range(5_000):
        kept.add(b'data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"%d"}}]}\n\n' % number)
    assert sum(map(len, [*kept._pieces, *kept._packs])) < 5_000 * 15


@pytest.mark.parametrize("most", ["MAX_PACKED", "MAX_SEEN"])
def test_an_answer_that_would_take_too_much_is_not_kept_but_its_end_is(monkeypatch, most):
    monkeypatch.setattr(passed, most, 1_000)
    kept = Passed()
    kept.keep()
    for number in range(5_000):
        kept.add(b"data: %d\n\n" % number)
    kept.add(b"data: [DONE]\n\n")
    assert kept.unread() is None
    assert (kept.is_done, kept.usage()) == (True, Usage(None, 4_998))
