"""The next turn of a conversation finds the replica that has read the ones before."""

import pytest
from first_jupyter_server.federation import tuning
from first_jupyter_server.federation.affinity import Affinity, trail

A, B = ("a", "a1"), ("b", "b1")


def said(*texts):
    roles = ("system", *("user", "assistant") * len(texts))
    return {"messages": [{"role": role, "content": text} for role, text in zip(roles, texts, strict=False)]}


@pytest.fixture
def affinity():
    known = Affinity()
    known.keep("m", trail(said("be brief", "hello")), A, 0.0)
    return known


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (said("be brief", "hello"), A),
        (said("be brief", "hello", "hi!", "how are you?"), A),
        (said("be brief", "hello", "good morning!", "how are you?", "fine", "and you?"), A),
        (said("be brief", "good morning"), None),
        (said("be brief"), None),
        (said("be verbose", "hello", "hi!", "how are you?"), None),
        ({"messages": "hello"}, None),
        ({"messages": ["hello"]}, None),
        ({}, None),
    ],
    ids=[
        "asked again",
        "the next turn",
        "a later one",
        "another conversation",
        "its system prompt alone",
        "under another system prompt",
        "no messages",
        "no messages at all",
        "nothing",
    ],
)
def test_it_goes_on_from_the_longest_beginning_that_is_known(affinity, body, found):
    assert affinity.find("m", trail(body), 1.0) == found


def test_the_last_turn_counts_where_a_conversation_has_moved(affinity):
    affinity.keep("m", trail(said("be brief", "hello", "hi!", "how are you?")), B, 1.0)
    turn = said("be brief", "hello", "hi!", "how are you?", "fine", "and you?")
    assert affinity.find("m", trail(turn), 2.0) == B


def test_another_model_has_not_read_it(affinity):
    assert affinity.find("n", trail(said("be brief", "hello")), 1.0) is None


def test_caches_do_not_last(affinity):
    assert affinity.find("m", trail(said("be brief", "hello")), tuning.CACHED_FOR) is None


def test_images_and_tool_calls_are_part_of_it(affinity):
    looked = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}
    called = [*looked["messages"], {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}]
    affinity.keep("m", trail(looked), B, 0.0)
    assert affinity.find("m", trail({"messages": called}), 1.0) == B


def test_prompts_with_the_same_beginning_belong_together(affinity):
    shots = "x" * tuning.PROMPT_HEAD
    affinity.keep("m", trail({"prompt": f"{shots} one"}), B, 0.0)
    assert affinity.find("m", trail({"prompt": f"{shots} two"}), 1.0) == B
    assert affinity.find("m", trail({"prompt": "two"}), 1.0) is None


def test_texts_to_embed_are_no_conversation():
    assert trail({"input": ["one", "two"]}) == ()


def test_what_openai_calls_input_is_one():
    assert trail({"input": [{"role": "user", "content": "hello"}], "instructions": "be brief"})


def test_no_more_are_remembered_than_fit(affinity, monkeypatch):
    monkeypatch.setattr(tuning, "CONVERSATIONS", 2)
    for text in ("one", "two"):
        affinity.keep("m", trail(said("be brief", text)), B, 0.0)
    assert affinity.find("m", trail(said("be brief", "hello")), 1.0) is None
    assert affinity.find("m", trail(said("be brief", "one")), 1.0) == B
