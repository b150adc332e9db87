"""How an answer is cut into parts, and put together again."""

import os

import pytest
from first_jupyter_remote.protocol.parts import (
    IDLE,
    LARGEST,
    Cutter,
    Gatherer,
    PartsError,
    lasts,
    pack,
    unpack,
)

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def parts(*pieces):
    """Cut pieces that come a second apart, each part with one of them."""
    cutter = Cutter(0.0)
    for now, piece in enumerate(pieces):
        cutter.add(piece, now)
        yield cutter.cut(now, last=now == len(pieces) - 1).to_json()


def gathered(said):
    gatherer = Gatherer()
    return b"".join(gatherer.take(part) for part in said), gatherer.is_whole


def test_parts_come_each_half_second_at_first_and_then_hold_more():
    steps = [lasts(number) for number in range(40)]
    assert steps[:4] == [0.0, 0.5, 0.5, 0.5]
    assert steps == sorted(steps)
    assert steps[-1] == 4.0


def test_the_first_part_is_due_as_soon_as_there_is_something_to_read():
    cutter = Cutter(0.0)
    cutter.add(HEAD, 1.0)
    assert cutter.left(1.0) > 1
    cutter.add(b"b\r\ndata: hi\n\n\r\n", 2.0)
    assert 0 < cutter.left(2.0) < 0.1
    assert cutter.left(2.1) == 0


def test_a_part_is_due_its_time_after_the_one_before_it():
    cutter = Cutter(0.0)
    cutter.add(b"first", 1.0)
    cutter.cut(2.0)
    cutter.add(b"second", 2.1)
    assert cutter.left(2.1) == pytest.approx(0.4)


def test_a_part_that_came_late_is_due_at_once():
    cutter = Cutter(0.0)
    cutter.add(b"first", 1.0)
    cutter.cut(2.0)
    cutter.add(b"second", 9.0)
    assert cutter.left(9.0) == 0


def test_a_silent_answer_tells_that_it_is_waited_for():
    cutter = Cutter(0.0)
    assert cutter.left(0.0) == IDLE
    part = cutter.cut(IDLE)
    assert (part.number, part.size, part.last) == (0, 0, False)
    assert cutter.left(IDLE) == IDLE


def test_a_full_part_is_due_at_once():
    cutter = Cutter(0.0)
    cutter.add(bytes(LARGEST), 0.0)
    assert (cutter.room, cutter.left(0.0)) == (0, 0)


def test_an_answer_is_put_together_as_it_was():
    pieces = [HEAD, b"", os.urandom(1000), b"end"]
    assert gathered(parts(*pieces)) == (b"".join(pieces), True)


def test_an_answer_without_its_last_part_is_not_whole():
    assert gathered([*parts(b"a", b"b", b"c")][:2]) == (b"ab", False)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a, b, c: [a, c], "part 2 of it came where part 1 was to"),
        (lambda a, b, c: [a, b, b], "part 1 of it came where part 2 was to"),
        (lambda a, b, c: [a, {**b, "data": pack(b"xx")}], "part 1 of it came otherwise than it was sent"),
        (lambda a, b, c: [a, b, {**c, "data": pack(b"C")}], "part 2 of it came otherwise than it was sent"),
        (lambda a, b, c: [a, {**b, "data": b["data"][:-8]}], "is not whole"),
        (lambda a, b, c: [a, {**b, "data": "!"}], "cannot be read"),
        (lambda a, b, c: [a, b, {**c, "error": "its node is lost"}], "its node is lost"),
        (lambda a, b, c: [a, None], "is none"),
        (lambda a, b, c: [{**a, "data": pack(bytes(LARGEST + 1))}], "larger than 3 MB"),
    ],
)
def test_what_is_missing_or_wrong_is_found(change, said):
    with pytest.raises(PartsError, match=said):
        gathered(change(*parts(b"aa", b"b", b"c")))


def test_the_events_of_a_stream_are_packed_tightly():
    events = b'data: {"id": "chatcmpl-1", "choices": [{"delta": {"content": "word"}}]}\n\n' * 50
    packed = pack(events)
    assert len(packed) < len(events) / 5
    assert unpack(packed, LARGEST) == events
