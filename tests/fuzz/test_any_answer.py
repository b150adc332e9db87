"""Whatever stands in requests and answers, in any pieces, is read the same, or an error names what it is."""

import contextlib
import itertools
import json
import tempfile
from pathlib import Path

import pytest
from first_jupyter_server.auth import key
from first_jupyter_server.batch import answered, lines, validation
from first_jupyter_server.dataplane import body, headers
from first_jupyter_server.dataplane.passed import Passed
from first_jupyter_server.dataplane.request import Request
from first_jupyter_server.dataplane.sieve import Sieve
from first_jupyter_server.dataplane.transcript import Transcript
from first_jupyter_server.errors import ApiError
from hypothesis import example, given
from hypothesis import strategies as st

from . import answers_read

KEYS = st.sampled_from(
    [
        "model",
        "messages",
        "content",
        "role",
        "input",
        "text",
        "format",
        "type",
        "tools",
        "response_format",
        "prompt",
        "usage",
        "prompt_tokens",
        "completion_tokens",
        "input_tokens",
        "choices",
        "delta",
        "index",
        "finish_reason",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | KEYS, inner, max_size=4)
    ),
    max_leaves=10,
)


OBJECTS = st.dictionaries(KEYS | st.text(max_size=5), JSON, max_size=6)
EVENTS = st.lists(
    OBJECTS.map(json.dumps) | st.just("[DONE]") | st.text(alphabet='data: {}\\"', max_size=20), max_size=6
)
STREAMS = EVENTS.map(lambda events: b"".join(b"data: " + event.encode() + b"\n\n" for event in events))
CUTS = st.lists(st.integers(1, 40), min_size=1, max_size=5)
BIG = 2**53


def cut(data, sizes):
    at = 0
    for size in itertools.cycle(sizes):
        if at >= len(data):
            return
        yield data[at : at + size]
        at += size


def tail_of(pieces):
    tail = Passed()
    for piece in pieces:
        tail.add(piece)
    return tail.usage(), tail.is_done, tail.at_event_boundary


@given(STREAMS | st.binary(), CUTS)
def test_the_end_of_an_answer_is_the_same_in_any_pieces(stream, sizes):
    assert tail_of(cut(stream, sizes)) == tail_of([stream])


@given(STREAMS | OBJECTS.map(lambda value: json.dumps({"usage": value}).encode()))
@example(b'{"usage":{"prompt_tokens":18446744073709551615,"completion_tokens":-1}}')
@example(b'{"usage":{"prompt_tokens":"many","completion_tokens":[1]}}')
@example(b'{"usage":{"prompt_tokens":true,"completion_tokens":1.5}}')
def test_a_usage_is_a_number_of_tokens_or_unknown(stream):
    usage = tail_of([stream])[0]
    for tokens in (usage.prompt_tokens, usage.completion_tokens):
        assert tokens is None or (type(tokens) is int and 0 <= tokens < BIG)


def sent_of(pieces, chat):
    sieve, transcript = Sieve(), Transcript(chat=chat)
    sent = list(map(sieve.take, pieces))
    for piece in sent:
        transcript.read(piece)
    so_far = transcript.so_far()
    # What no other replica can go on with is read no further.
    return b"".join(sent) + sieve.rest(), sieve.broken, so_far if not so_far.more else None


@given(STREAMS | st.binary(), CUTS, st.booleans())
def test_what_a_client_was_sent_is_the_same_in_any_pieces(stream, sizes, chat):
    assert sent_of(cut(stream, sizes), chat) == sent_of([stream], chat)


def or_error(read, *what):
    """Return what is read, or the answer's body that says why it cannot be."""
    try:
        return read(*what)
    except ApiError as error:
        return error.body().decode()


@given(OBJECTS, st.text(), st.sampled_from([None, 2]), st.booleans())
def test_only_the_name_of_the_model_changes(value, name, indent, ascii_only):
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    assert json.loads(body.with_model(text, name)) == {**value, "model": name}


@given(st.binary() | JSON.map(json.dumps).map(str.encode))
@example(b'{"messages":[{"role":"user","content":"\\ud800"}]}')
def test_any_body_is_read_or_refused(raw):
    asked = or_error(body.read, raw)
    assert isinstance(asked, str) or isinstance(asked.model, str)


@given(st.binary(max_size=200))
def test_any_header_is_read_or_refused(value):
    asked = Request("POST", "/", dict.fromkeys((b"x-first-wait", b"x-request-id", b"x-first-stay"), value))
    identity = headers.request_id(asked)
    assert identity.isascii()
    assert identity.isprintable()
    assert 1 <= len(identity) <= 128
    or_error(headers.wait_of, asked)
    or_error(headers.wishes_of, asked, {"desk"})


@given(st.binary())
def test_any_authorization_is_a_token_or_none(value):
    token = key.bearer(value)
    assert key.label(token).isascii()
    assert not key.matches(token, "first-key") or token.startswith(b"first-key")


@pytest.mark.parametrize("usage", [[1], "many", {"prompt_tokens": 2**63, "completion_tokens": "x"}, 7])
def test_whatever_a_row_is_said_to_have_cost_it_is_a_number(usage):
    said = json.dumps({"usage": usage}).encode()
    result = answered.read(lines.Row(1, "a", b"{}"), "batch_1", 200, {}, said)
    assert (result.ok, result.prompt, result.completion) == (True, 0, 0)


HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
CHUNKS = st.binary(min_size=1, max_size=60).map(lambda data: b"%x\r\n%b\r\n" % (len(data), data))
PARTS = (
    CHUNKS
    | st.tuples(CHUNKS, st.integers(1, 5)).map(lambda cut: cut[0][: cut[1]])
    | st.tuples(CHUNKS, st.integers(1, 5)).map(lambda cut: cut[0][cut[1] :])
    | st.sampled_from(
        [b"0\r\n", b"0\r\n\r\n", b"\r\n", b"1;a=b\r\nx\r\n", b"01\r\nx\r\n", b"a: b\r\n", b"3\r\n\r\n\r\r\n"]
    )
)


@given(st.lists(PARTS, max_size=8).map(lambda parts: [*parts, b"0\r\n\r\n"]))
@example([b"5\r\nhello\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n"])
@example([b"5\r\nhello\r\n", b"a: b\r\n", b"0\r\n\r\n"])
def test_an_answer_in_chunks_is_read_as_another_reader_reads_it(parts):
    parts = [part for part in parts if part]
    answers_read.check(HEAD + b"".join(parts), bytes([len(HEAD), *map(len, parts)]))


LINES = st.binary(max_size=60).map(lambda line: line.replace(b"\n", b" ")) | st.fixed_dictionaries(
    {},
    optional={
        "custom_id": JSON | st.sampled_from(["a", "b"]),
        "method": JSON | st.just("POST"),
        "url": JSON | st.just("/v1/completions"),
        "body": JSON | OBJECTS,
    },
).map(lambda line: json.dumps(line).encode())


@given(LINES)
def test_any_line_of_a_batch_is_a_request_or_says_what_is_wrong(line):
    with contextlib.suppress(lines.LineError):
        request = lines.read(line, "/v1/completions")
        row = lines.row(line, 1)
        assert row.custom_id == request.custom_id
        assert json.loads(row.body) == request.body


@given(st.lists(LINES, max_size=8))
def test_any_input_of_a_batch_is_read_to_its_end(rows):
    def resolve(name):
        if len(name) % 2:
            raise ApiError(404, f"no model {name}", code="model_not_found")
        return "the-model"

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "input.jsonl")
        file.write_bytes(b"\n".join(rows))
        report = validation.validate(file, "/v1/completions", resolve)
    json.dumps(report.errors)
    assert report.total == sum(bool(row.strip()) for row in file_lines(rows))


def file_lines(rows):
    return b"\n".join(rows).removeprefix(b"\xef\xbb\xbf").split(b"\n")
