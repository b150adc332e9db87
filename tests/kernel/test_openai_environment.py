import os

import pytest

from first_jupyter._extension import bind_openai


def test_a_plain_client_finds_the_server_after_loading(shell, wire):
    import openai

    assert os.environ["OPENAI_BASE_URL"] == wire.base_url
    question = [{"role": "user", "content": "Hi"}]
    answer = openai.OpenAI().chat.completions.create(model="smollm2", messages=question)
    assert answer.choices[0].message.content == "Good morning."


@pytest.mark.parametrize("theirs", [{"OPENAI_API_KEY": "sk"}, {"OPENAI_BASE_URL": "https://a.org/v1"}])
def test_what_the_reader_has_set_stays_and_gets_no_other_half(wire, theirs):
    environ = dict(theirs)
    bind_openai(environ)
    assert environ == theirs


def test_a_stale_pair_of_ours_is_renewed(wire):
    environ = {"FIRST_BASE_URL": "http://old", "FIRST_API_KEY": "old"}
    environ |= {"OPENAI_BASE_URL": "http://old", "OPENAI_API_KEY": "old", "NO_PROXY": "a.org,localhost"}
    bind_openai(environ)
    assert (environ["OPENAI_BASE_URL"], environ["OPENAI_API_KEY"]) == (wire.base_url, "sesame")
    assert environ["NO_PROXY"] == "a.org,localhost,127.0.0.1"


def test_without_a_server_nothing_is_set(no_server):
    environ = {}
    bind_openai(environ)
    assert environ == {}
