"""What chaos says of an answer: a cut that nobody speaks of is not taken for an end."""

import json

import pytest
from counting_server import chunked, counted, framed
from readers import Answer, verdict

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
WANTED = counted(7, 2)


def event(text="", finish=None, **more):
    return framed({"choices": [{"delta": {"content": text}, "finish_reason": finish}], **more})


FIRST, SECOND, LAST = event(" 00000007"), event(" 00000008"), event(finish="length")
DONE, END = chunked(b"data: [DONE]\n\n"), b"0\r\n\r\n"
SEAM = event(" 00000008", x_first={"seams": [{"at": 9}]})
ERROR = framed({"error": {"message": "The answer is incomplete."}})
REFUSAL = json.dumps({"error": {"message": "Nobody serves it."}}).encode()
REFUSED = b"HTTP/1.1 503 No\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(REFUSAL)


@pytest.mark.parametrize(
    ("pieces", "how"),
    [
        ((FIRST, SECOND, LAST, DONE, END), "whole"),
        ((FIRST, SEAM, LAST, DONE, END), "continued"),
        ((FIRST, ERROR, END), "told within"),
        ((ERROR, END), "told before"),
        ((FIRST,), "broken"),
        ((FIRST, SECOND, LAST, DONE), "broken"),
        ((FIRST, END), "silent"),
        ((FIRST, SECOND, END), "silent"),
        ((FIRST, SECOND, LAST, END), "silent"),
        ((FIRST, SECOND, DONE, END), "silent"),
        ((FIRST, LAST, DONE, END), "silent"),
        ((FIRST, FIRST, LAST, DONE, END), "silent"),
        ((SECOND, FIRST, LAST, DONE, END), "silent"),
    ],
)
async def test_an_answer_is_judged_by_all_of_it(pieces, how):
    assert judged(HEAD, *pieces)[0] == how


async def test_a_refusal_is_told_with_its_words():
    assert judged(REFUSED, REFUSAL) == ("told before", "503: Nobody serves it.")


async def test_a_status_without_words_is_silent():
    assert judged(b"HTTP/1.1 502 Bad\r\ncontent-length: 3\r\n\r\nbad")[0] == "silent"


async def test_who_hears_nothing_any_more_hangs():
    answer = Answer()
    answer.data_received(HEAD + FIRST)
    assert verdict(answer, WANTED)[0] == "hung"
    answer.over.cancel()


def judged(*pieces):
    """Return the verdict on what came over a connection that was closed then."""
    answer = Answer()
    for piece in pieces:
        answer.data_received(piece)
    answer.connection_lost(None)
    return verdict(answer, WANTED)
