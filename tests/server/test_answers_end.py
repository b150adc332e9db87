"""What the data plane reads from an answer's end."""

import pytest
from first_jupyter_server.dataplane.sse import Tail, Usage

USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":5,"details":{"x":0}}}\n\n'


def tail_of(*pieces):
    tail = Tail()
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
