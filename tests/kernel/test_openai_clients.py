import pytest

from first_jupyter import AsyncOpenAI, NotConnectedError, OpenAI

QUESTION = {"model": "smollm2", "messages": [{"role": "user", "content": "Hi"}]}


def test_the_client_is_bound_to_the_server(wire):
    assert OpenAI().chat.completions.create(**QUESTION).choices[0].message.content == "Good morning."


def test_the_client_streams(wire):
    pieces = [
        piece.choices[0].delta.content
        for piece in OpenAI().chat.completions.create(**QUESTION, stream=True)
        if piece.choices
    ]
    assert "".join(filter(None, pieces)) == "Good morning."


async def test_the_async_client_is_bound_too(wire):
    answer = await AsyncOpenAI().chat.completions.create(**QUESTION)
    assert answer.choices[0].message.content == "Good morning."


def test_no_proxy_stands_between_a_kernel_and_its_own_machine(wire, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert OpenAI(max_retries=0).chat.completions.create(**QUESTION).choices


def test_every_argument_that_is_given_wins(wire):
    client = OpenAI(api_key="mine", timeout=3.0)
    assert (client.api_key, client.timeout) == ("mine", 3.0)
    assert str(client.base_url).rstrip("/") == wire.base_url


def test_another_server_never_gets_our_key(wire, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "theirs")
    assert OpenAI(base_url="http://elsewhere/v1").api_key == "theirs"


def test_a_copy_keeps_the_binding(wire):
    assert OpenAI().with_options(timeout=5).chat.completions.create(**QUESTION).choices


def test_without_a_server_the_client_says_so(no_server):
    with pytest.raises(NotConnectedError):
        OpenAI()
