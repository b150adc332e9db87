"""Which answers can go on elsewhere, and what the next replica is asked."""

import orjson
import pytest
from first_jupyter_server.dataplane.continuation import is_spent, next_ask, unsuited, why_not
from first_jupyter_server.dataplane.transcript import SoFar

CHAT, TEXT = "chat/completions", "completions"
USER = {"role": "user", "content": "Tell me"}
SCHEMA = {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}}


def so_far(*pieces, **more):
    keys = {"begun": True, "tokens": len(pieces), "sizes": tuple(map(len, pieces)), **more}
    return SoFar({"id": "1"}, text="".join(pieces), **keys)


WORDS = so_far("Red", " is", " a", " warm", " col")


def chat(**more):
    return {"model": "m", "messages": [USER], "stream": True, **more}


def body(asked, far=WORDS, route=CHAT, **more):
    return orjson.loads(next_ask(asked, far, route, **more).body)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (chat(), ""),
        (chat(n=1, logprobs=False, echo=False, tool_choice="auto", seed=1, stop=["x"]), ""),
        (chat(tools=[{"type": "function"}]), ""),
        (chat(n=2), "the request asks for several answers at once (n)"),
        (chat(logprobs=True), "the request asks for log-probabilities"),
        (chat(return_token_ids=True), "the request asks for token ids"),
        (chat(echo=True), "the request asks for what it sent to be repeated (echo)"),
        (chat(include_reasoning=False), "the model's reasoning is hidden"),
        (chat(tool_choice="required"), "the request demands the call of a tool"),
        (chat(tool_choice={"type": "function"}), "the request demands the call of a tool"),
        (chat(add_generation_prompt=False), "the request says how its messages end"),
        (chat(messages=[]), "the request has no messages"),
    ],
)
def test_why_a_chat_cannot_go_on(asked, words):
    assert why_not(asked, WORDS, CHAT, "vllm") == words


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"prompt": "Once"}, ""),
        ({"prompt": ["Once"]}, ""),
        ({"prompt": ["Once", "Twice"]}, "the request's prompt is not one text"),
        ({"prompt": [1, 2, 3]}, "the request's prompt is not one text"),
        ({"prompt": "Once", "logprobs": 0}, "the request asks for log-probabilities"),
        ({"prompt": "Once", "best_of": 3}, "the request asks for several answers at once (n)"),
        ({"prompt": "Once", "suffix": "end"}, "the request asks for a text to be filled in (suffix)"),
        ({"prompt": "Once", "grammar": "root ::= x"}, "the request prescribes a form"),
    ],
)
def test_why_a_text_cannot_go_on(asked, words):
    assert why_not(asked, WORDS, TEXT, "vllm") == words


@pytest.mark.parametrize(
    ("asked", "backend", "words"),
    [
        ({"continue_final_message": True}, "vllm", ""),
        ({}, "llama.cpp", ""),
        ({}, "vllm", "the request ends with a message of the assistant"),
    ],
)
def test_an_answer_that_already_went_on_with_the_assistants_message(asked, backend, words):
    last = {"role": "assistant", "content": "Colours: "}
    assert why_not(chat(messages=[USER, last], **asked), WORDS, CHAT, backend) == words


def test_what_an_answer_holds_besides_text_is_named():
    assert why_not(chat(), so_far("a", more="a call of a tool"), CHAT, "vllm") == "it holds a call of a tool"


@pytest.mark.parametrize(
    ("backend", "asked", "route", "fits"),
    [
        ("vllm", {}, CHAT, True),
        ("llama.cpp", {}, CHAT, True),
        ("other", {}, CHAT, False),
        ("other", {}, TEXT, True),
        ("vllm", SCHEMA, CHAT, False),
        ("vllm", {"guided_choice": ["a"]}, CHAT, False),
        ("vllm", {"response_format": {"type": "text"}}, CHAT, True),
        ("llama.cpp", SCHEMA, CHAT, True),
    ],
)
def test_which_backend_can_go_on(backend, asked, route, fits):
    assert (unsuited(backend, asked, WORDS, route) == "") is fits


def test_before_the_first_word_any_backend_will_do():
    assert unsuited("other", SCHEMA, so_far(), CHAT) == ""


def test_before_the_first_word_the_request_is_sent_as_it_was():
    assert body(chat(max_tokens=9), so_far()) == chat(max_tokens=9)


def test_a_chat_goes_on_with_the_text_up_to_the_last_gap_between_words():
    asked = next_ask(chat(), WORDS, CHAT)
    assert orjson.loads(asked.body) == {
        **chat(),
        "messages": [USER, {"role": "assistant", "content": "Red is a warm"}],
        "continue_final_message": True,
        "add_generation_prompt": False,
    }
    assert (asked.known, asked.kept) == (" col", 4)


def test_a_rest_that_came_out_differently_is_given_too():
    asked = next_ask(chat(), WORDS, CHAT, whole=True)
    assert orjson.loads(asked.body)["messages"][-1]["content"] == "Red is a warm col"
    assert (asked.known, asked.kept) == ("", 5)


@pytest.mark.parametrize(
    ("pieces", "known", "kept"),
    [
        (("Unbeliev",), "Unbeliev", 0),
        (("Red", ",", " blue"), " blue", 2),
        (("Red", ":", "\n\n"), "Red:\n\n", 0),
        (("x = 1", "\n", "  ", " y", " =", " 2"), " 2", 5),
        (("1 t", "o"), " to", 1),
        (("a b", "c" * 60), "", 2),
        (("Red ",), "Red ", 0),
    ],
)
def test_where_the_text_is_cut(pieces, known, kept):
    asked = next_ask(chat(), so_far(*pieces), CHAT)
    assert (asked.known, asked.kept) == (known, kept)


@pytest.mark.parametrize(
    ("content", "goes_on"),
    [
        ("Colours: ", "Colours: Red is a warm"),
        (
            [{"type": "text", "text": "Colours: "}],
            [{"type": "text", "text": "Colours: Red is a warm"}],
        ),
    ],
)
def test_a_message_that_the_request_began_is_gone_on_with(content, goes_on):
    asked = chat(messages=[USER, {"role": "assistant", "content": content}], continue_final_message=True)
    messages = body(asked)["messages"]
    assert messages == [USER, {"role": "assistant", "content": goes_on}]


@pytest.mark.parametrize(
    ("prompt", "goes_on"), [("It:", "It: red is a warm"), (["It:"], ["It: red is a warm"])]
)
def test_a_text_goes_on_after_its_prompt(prompt, goes_on):
    asked = {"model": "m", "prompt": prompt, "temperature": 0, "seed": 3}
    assert body(asked, so_far(" red", " is", " a", " warm", " col"), TEXT) == {**asked, "prompt": goes_on}


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("def f():\n", "\n    return"),
        ("It: ", "Red is a warm"),
        ("Unbeliev", "able it was"),
        ("It:", "\n\nRed is"),
    ],
)
def test_a_short_text_that_would_be_read_as_one_with_its_prompt_is_written_anew(prompt, text):
    asked = {"model": "m", "prompt": prompt, "max_tokens": 20}
    ask = next_ask(asked, so_far(text), TEXT)
    assert (orjson.loads(ask.body), ask.known, ask.kept) == (asked, text, 0)


def test_a_long_text_is_cut_at_a_gap_whatever_its_prompt_ends_with():
    asked = {"model": "m", "prompt": "def f():\n"}
    text = "\n" + "word " * 20 + "end"
    assert next_ask(asked, so_far(text), TEXT).known == " end"


def test_limits_count_what_is_written():
    asked = chat(max_tokens=20, max_completion_tokens=30, min_tokens=3)
    left = body(asked)
    assert (left["max_tokens"], left["max_completion_tokens"], left["min_tokens"]) == (16, 26, 0)


@pytest.mark.parametrize(("limit", "spent"), [(5, True), (4, True), (6, False), (-1, False), (None, False)])
def test_nothing_is_asked_where_no_tokens_are_left(limit, spent):
    assert is_spent(chat(max_tokens=limit), WORDS) is spent
