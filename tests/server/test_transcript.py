"""What is kept of a stream that goes by: enough to go on with it elsewhere, and nothing that spoils it."""

import orjson
import pytest
from first_jupyter_server.dataplane import transcript
from first_jupyter_server.dataplane.sieve import Sieve
from first_jupyter_server.dataplane.transcript import Transcript

from .recordings import FOLDER, recorded, seen

ANSWERS = [
    path.stem for path in sorted(FOLDER.glob("*.sse")) if path.stem not in ("vllm-killed", "vllm-tool")
]


def read(*pieces, chat=True):
    sieve, kept = Sieve(), Transcript(chat=chat)
    for piece in pieces:
        kept.read(sieve.take(piece))
    return kept.so_far()


def event(delta=None, **more):
    choice = {"index": 0, "delta": delta or {}, "finish_reason": None, **more}
    frame = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 7, "model": "m"}
    return b"data: " + orjson.dumps({**frame, "choices": [choice]}) + b"\n\n"


def text_events(*texts):
    return [event({"content": text}) for text in texts]


@pytest.mark.parametrize("name", ANSWERS)
def test_a_stream_is_read_the_same_wherever_it_is_split(name):
    raw, chat = recorded(name), "-text" not in name
    whole = read(raw, chat=chat)
    assert whole.text == seen(raw).text
    assert whole.finish == seen(raw).finishes[0]
    for cut in range(1, len(raw)):
        assert read(raw[:cut], raw[cut:], chat=chat) == whole


def test_one_byte_after_the_other_makes_the_same():
    raw = recorded("vllm-chat")
    assert read(*[bytes([byte]) for byte in raw]) == read(raw)


def test_carriage_returns_end_lines_too():
    raw = event({"content": "hi"}).replace(b"\n", b"\r\n")
    assert read(raw[:-3], raw[-3:]).text == "hi"


@pytest.mark.parametrize(("name", "tokens"), [("llama-chat", 12), ("vllm-chat", 12), ("vllm-text", 12)])
def test_tokens_are_counted_by_their_events(name, tokens):
    raw = recorded(name)
    stated = raw.find(b'"usage"')
    before_usage = raw[: raw.rfind(b"\n\n", 0, stated) + 2]
    assert read(before_usage, chat="chat" in name).tokens == tokens


def test_tokens_that_are_stated_are_not_counted():
    raw = event({"content": "ab"}).replace(b'"choices"', b'"usage":{"completion_tokens":5},"choices"')
    assert read(raw).tokens == 5


def test_the_role_alone_is_no_token():
    so_far = read(event({"role": "assistant", "content": ""}))
    assert (so_far.begun, so_far.text, so_far.tokens) == (True, "", 0)


def test_what_all_events_have_in_common_is_kept():
    so_far = read(*text_events("a", "b"))
    assert so_far.frame == {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 7,
        "model": "m",
    }


def test_many_events_that_differ_in_their_text_are_read_as_they_were_written():
    texts = [f'{number} "quoted" \\ é 😀\n' for number in range(2000)]
    so_far = read(*text_events(*texts))
    assert so_far.text == "".join(texts)
    assert so_far.tokens == 2000
    assert so_far.sizes == tuple(map(len, texts[-transcript.RECENT :]))


def test_an_event_that_only_begins_and_ends_like_the_others_is_not_taken_for_one_of_them():
    odd = event({"content": "x", "tool_calls": [{"id": "1"}], "refusal": "y"})
    assert read(*text_events("a", "b"), odd).more == "a call of a tool"


@pytest.mark.parametrize(
    ("delta", "more"),
    [
        ({"tool_calls": [{"index": 0, "function": {"name": "f"}}]}, "a call of a tool"),
        ({"reasoning_content": "Let me think"}, "the model's reasoning"),
        ({"reasoning": "Let me think"}, "the model's reasoning"),
        ({"audio": {"data": "UklGR"}}, "'audio'"),
        ({"content": "a", "reasoning_content": None, "tool_calls": []}, ""),
    ],
)
def test_what_no_replica_can_go_on_with_is_named(delta, more):
    assert read(event(delta)).more == more


def test_a_call_of_a_tool_as_vllm_streams_it_is_seen():
    assert read(recorded("vllm-tool")).more == "a call of a tool"


def test_a_second_choice_is_seen():
    assert read(event({"content": "a"}, index=1)).more == "several choices"


def test_an_answer_that_is_too_long_is_not_kept():
    piece = "x" * 10_000
    so_far = read(*text_events(*[piece] * 60))
    assert (so_far.more, so_far.text) == ("more than 524,288 characters", "")


def test_events_of_an_unknown_form_are_not_gone_on_with():
    assert read(b"data: {]\n\n").more == "events of an unknown form"
