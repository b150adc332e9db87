"""What is kept of a stream that goes by: enough to go on with it elsewhere, and nothing that spoils it."""

import orjson
import pytest
from first_jupyter_server.dataplane import transcript
from first_jupyter_server.dataplane.transcript import Transcript

from .recordings import FOLDER, recorded, seen

ANSWERS = [
    path.stem for path in sorted(FOLDER.glob("*.sse")) if path.stem not in ("vllm-killed", "vllm-tool")
]


def taken(*pieces, chat=True):
    kept = Transcript(chat=chat)
    passed = b"".join(kept.take(piece) for piece in pieces)
    return kept, passed


def event(delta=None, **more):
    choice = {"index": 0, "delta": delta or {}, "finish_reason": None, **more}
    frame = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 7, "model": "m"}
    return b"data: " + orjson.dumps({**frame, "choices": [choice]}) + b"\n\n"


def text_events(*texts):
    return [event({"content": text}) for text in texts]


@pytest.mark.parametrize("name", ANSWERS)
def test_a_stream_is_read_the_same_wherever_it_is_split(name):
    raw, chat = recorded(name), "-text" not in name
    whole = taken(raw, chat=chat)[0].read()
    assert whole.text == seen(raw).text
    assert whole.finish == seen(raw).finishes[0]
    for cut in range(1, len(raw)):
        kept, passed = taken(raw[:cut], raw[cut:], chat=chat)
        assert (kept.read(), passed) == (whole, raw)


@pytest.mark.parametrize("name", ANSWERS)
def test_a_client_never_gets_half_an_event(name):
    raw = recorded(name)
    for cut in range(1, len(raw)):
        _, passed = taken(raw[:cut])
        assert passed == raw[: raw.rfind(b"\n\n", 0, cut) + 2 if b"\n\n" in raw[:cut] else 0]


def test_one_byte_after_the_other_makes_the_same():
    raw = recorded("vllm-chat")
    kept, passed = taken(*[bytes([byte]) for byte in raw])
    assert passed == raw
    assert kept.read() == taken(raw)[0].read()


def test_what_has_no_blank_line_after_it_is_passed_on_at_the_end():
    kept, passed = taken(b"data: [DONE]\n")
    assert (passed, kept.rest()) == (b"", b"data: [DONE]\n")


def test_carriage_returns_end_lines_too():
    raw = event({"content": "hi"}).replace(b"\n", b"\r\n")
    kept, passed = taken(raw[:-3], raw[-3:])
    assert (passed, kept.read().text) == (raw, "hi")


@pytest.mark.parametrize(("name", "tokens"), [("llama-chat", 12), ("vllm-chat", 12), ("vllm-text", 12)])
def test_tokens_are_counted_by_their_events(name, tokens):
    raw = recorded(name)
    stated = raw.find(b'"usage"')
    before_usage = raw[: raw.rfind(b"\n\n", 0, stated) + 2]
    assert taken(before_usage, chat="chat" in name)[0].read().tokens == tokens


def test_tokens_that_are_stated_are_not_counted():
    raw = event({"content": "ab"}).replace(b'"choices"', b'"usage":{"completion_tokens":5},"choices"')
    assert taken(raw)[0].read().tokens == 5


def test_the_role_alone_is_no_token():
    so_far = taken(event({"role": "assistant", "content": ""}))[0].read()
    assert (so_far.begun, so_far.text, so_far.tokens) == (True, "", 0)


def test_what_all_events_have_in_common_is_kept():
    so_far = taken(*text_events("a", "b"))[0].read()
    assert so_far.frame == {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 7,
        "model": "m",
    }


def test_a_long_answer_is_read_piece_by_piece_and_little_of_it_is_kept_raw():
    texts = [f'{number} "quoted" \\ é 😀\n' for number in range(2000)]
    kept, _ = taken(*text_events(*texts))
    assert sum(map(len, kept._pieces)) <= transcript.READ_AT
    so_far = kept.read()
    assert so_far.text == "".join(texts)
    assert so_far.tokens == 2000
    assert so_far.sizes == tuple(map(len, texts[-transcript.RECENT :]))


def test_an_event_that_only_begins_and_ends_like_the_others_is_not_taken_for_one_of_them():
    odd = event({"content": "x", "tool_calls": [{"id": "1"}], "refusal": "y"})
    assert taken(*text_events("a", "b"), odd)[0].read().more == "a call of a tool"


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
    assert taken(event(delta))[0].read().more == more


def test_a_call_of_a_tool_as_vllm_streams_it_is_seen():
    assert taken(recorded("vllm-tool"))[0].read().more == "a call of a tool"


def test_a_second_choice_is_seen():
    assert taken(event({"content": "a"}, index=1))[0].read().more == "several choices"


def test_an_answer_that_is_too_long_is_not_kept():
    piece = "x" * 10_000
    kept, _ = taken(*text_events(*[piece] * 60))
    so_far = kept.read()
    assert (so_far.more, so_far.text) == ("more than 524,288 characters", "")


def test_events_of_an_unknown_form_are_passed_on_but_not_gone_on_with():
    kept, passed = taken(b"data: {]\n\n")
    assert (passed, kept.read().more) == (b"data: {]\n\n", "events of an unknown form")


def test_vllm_that_gives_up_is_not_passed_on_wherever_its_stream_is_split():
    raw = recorded("vllm-killed")
    last = raw.index(b'data: {"error"')
    for cut in range(1, len(raw)):
        kept = Transcript(chat=True)
        passed = kept.take(raw[:cut])
        if not kept.broken:
            passed += kept.take(raw[cut:])
        assert passed == raw[:last]
        assert kept.broken.startswith("EngineCore encountered an issue")


@pytest.mark.parametrize("colon", [b":", b": "])
def test_a_gateway_that_gives_up_is_not_taken_for_an_answer(colon):
    gives_up = b'data: {"object"%b"error","message":"No data received","code":504}\n\n' % colon
    kept, passed = taken(*text_events("a"), gives_up + b"data: [DONE]\n\n")
    assert (passed, kept.broken) == (text_events("a")[0], "No data received")


@pytest.mark.parametrize(
    ("finish", "cuts", "broken"),
    [
        (None, True, "it ended the answer without saying why"),
        ("stop", True, ""),
        (None, False, ""),
    ],
)
def test_an_end_without_a_reason_is_none_where_servers_are_known_to_cut(finish, cuts, broken):
    kept = Transcript(chat=True, cuts=cuts)
    events = [*text_events("a"), *([event({}, finish_reason=finish)] if finish else [])]
    passed = b"".join(kept.take(piece) for piece in (*events, b"data: [DONE]\n\n"))
    assert kept.broken == broken
    assert passed == b"".join(events) + (b"" if broken else b"data: [DONE]\n\n")


def test_a_request_that_the_server_drops_is_given_up():
    kept, passed = taken(*text_events("a"), event({}, finish_reason="abort"))
    assert (passed, kept.broken) == (text_events("a")[0], "it dropped the request")


@pytest.mark.parametrize(
    "raw",
    [
        b'data: {"error":{"message":"too long","code":400}}\n\n',
        event({"content": '"error":{} and "abort"'}),
        event({"content": "abort"}),
    ],
)
def test_what_only_looks_like_giving_up_is_passed_on(raw):
    kept, passed = taken(raw)
    assert (passed, kept.broken) == (raw, "")
