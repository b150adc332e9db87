"""Known tricks: what is made of each, in whatever pieces it comes, is what another reader makes of it."""

import pytest

from . import answers_read, requests_read, surface_read, targets, tricks

CUTS = [b"", b"\x01", b"\x07\x03P"]
SPLIT = pytest.mark.parametrize("sizes", CUTS, ids=["whole", "by bytes", "in pieces"])

REQUESTS = {
    "plain": (2, 0),
    "no-host": (0, 400),
    "two-hosts": (0, 400),
    "length-and-chunks": (0, 400),
    "two-lengths": (0, 400),
    "list-of-lengths": (0, 400),
    "signed-length": (0, 400),
    "space-before-colon": (0, 400),
    "folded-header": (0, 400),
    "bare-lf": (0, 400),
    "bare-lf-in-the-head": (0, 400),
    "chunk-extension": (2, 0),
    "trailer": (2, 0),
    "huge-chunk": (0, 400),
    "bare-lf-in-chunks": (0, 400),
    "space-after-chunk-size": (0, 400),
    "gzip-then-chunked": (0, 501),
    "chunked-twice": (0, 400),
    "chunked-in-two-lines": (0, 400),
    "identity": (0, 501),
    "chunks-in-1-0": (0, 400),
    "absolute-target": (1, 0),
    "connect": (0, 501),
    "upgrade": (0, 400),
    "upgrade-with-a-body": (0, 400),
    "nul": (0, 400),
    "bare-cr": (0, 400),
    "high-bytes": (0, 400),
    "version-2": (0, 505),
    "version-0-9": (0, 505),
    "version-1-0": (1, 0),
    "method": (0, 501),
    "http-2-preface": (0, 400),
    "expect": (1, 0),
    "empty-length": (0, 400),
    "after-close": (1, 0),
    "empty-lines": (2, 0),
    "empty-name": (0, 400),
    "body-of-get": (2, 0),
    "large-header": (0, 431),
    "many-headers": (0, 431),
    "expect-in-line": (2, 0),
    "large-body": (0, 413),
    "large-chunks": (0, 413),
}


@SPLIT
@pytest.mark.parametrize("trick", REQUESTS)
def test_a_request_is_read_in_one_way_or_refused(trick, sizes):
    heard = requests_read.check(tricks.REQUESTS[trick], sizes)
    assert (len(heard.requests), heard.refused) == REQUESTS[trick]


def test_every_trick_is_expected():
    assert {*tricks.REQUESTS} - {*REQUESTS} == {"many", "large-trailer"}
    assert {*tricks.ANSWERS} == {*ANSWERS, *LONGER}


def test_of_many_requests_at_once_few_are_kept():
    heard = requests_read.check(tricks.REQUESTS["many"], late=True)
    assert (len(heard.requests), heard.refused) == (17, 400)


@pytest.mark.parametrize("sizes", CUTS[1:])
def test_a_trailer_without_end_is_refused(sizes):
    heard = requests_read.check(tricks.REQUESTS["large-trailer"], sizes)
    assert (len(heard.requests), heard.refused) == (0, 431)


def test_what_stands_in_a_trailer_is_no_header():
    heard = requests_read.check(tricks.REQUESTS["trailer"])
    assert b"authorization" not in heard.requests[0].headers


def test_blanks_behind_a_value_are_not_part_of_it():
    heard = requests_read.check(b"GET / HTTP/1.1\r\nhost: x \t\r\n\r\n")
    assert heard.requests[0].headers == {b"host": b"x"}


ANSWERS = {
    "plain": (200, b"abc", True),
    "chunks": (200, b"abc", True),
    "chunks-cut": (200, b"ab", False),
    "trailer": (200, b"abc", True),
    "large-trailer": (200, b"abc", False),
    "until-the-end": (200, b"abc", True),
    "until-the-end-1-0": (200, b"abc", True),
    "interim": (200, b"abc", True),
    "switch": (0, b"", False),
    "upgrade-in-200": (200, b"abc", True),
    "length-and-chunks": (0, b"", False),
    "two-lengths": (0, b"", False),
    "same-lengths": (0, b"", False),
    "gzip-then-chunked": (0, b"", False),
    "gzip": (0, b"", False),
    "no-content": (204, b"", True),
    "not-modified": (304, b"", True),
    "close": (200, b"abc", True),
    "folded": (0, b"", False),
    "bare-lf": (0, b"", False),
    "no-phrase": (200, b"abc", True),
    "status-0": (0, b"", False),
    "status-1-with-an-answer": (0, b"", False),
    "interim-with-a-body": (0, b"", False),
    "status-999": (999, b"", True),
    "version-9": (0, b"", False),
    "version-2": (200, b"", True),
    "negative-length": (0, b"", False),
    "nul": (0, b"", False),
    "many-headers": (0, b"", False),
    "large-header": (0, b"", False),
    "many-headers-no-end": (0, b"", False),
    "garbage": (0, b"", False),
    "huge-chunk": (200, b"", False),
    "empty-lines": (200, b"abc", True),
    "upgrade-chunks": (200, b"abc", True),
}


@SPLIT
@pytest.mark.parametrize("trick", ANSWERS)
def test_an_answer_is_read_in_one_way_or_lost(trick, sizes):
    data = tricks.ANSWERS[trick]
    answer = answers_read.check(data, b"\xff" if len(data) > 100_000 else sizes)
    assert (answer.status, answer.body, answer.ended) == ANSWERS[trick]


LONGER = ("two-answers", "garbage-behind", "no-content-with-body")


@pytest.mark.parametrize("trick", LONGER)
def test_of_an_answer_that_is_longer_than_it_says_nothing_more_is_taken(trick):
    at_once, later = (
        answers_read.check(tricks.ANSWERS[trick]),
        answers_read.check(tricks.ANSWERS[trick], b"\x01"),
    )
    assert (at_once.ended, later.ended) == (False, True)
    assert later.body in {b"abc", b""}
    assert not later.kept


def test_a_connection_whose_answer_is_whole_is_kept():
    assert answers_read.check(tricks.ANSWERS["plain"]).kept is True


@SPLIT
@pytest.mark.parametrize("trick", tricks.ASKED)
def test_whatever_a_holder_of_the_key_asks_has_an_answer_that_is_one(trick, sizes):
    surface_read.play(tricks.ASKED[trick], sizes)


def test_a_target_that_is_no_address_is_named():
    (status, body), (after, _) = surface_read.play(tricks.ASKED["brackets"])
    assert (status, after) == (400, 200)
    assert b"is no address" in body


@pytest.mark.parametrize(
    ("target", "file"),
    [
        pytest.param(target, file, id=f"{target}-{file.name}")
        for target in targets.TARGETS
        for file in sorted((targets.CORPUS / target).iterdir())
    ],
)
def test_what_the_fuzzer_found_is_as_it_should_be(target, file):
    targets.TARGETS[target](file.read_bytes())
