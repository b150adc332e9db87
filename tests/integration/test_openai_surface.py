"""What OpenAI's clients can ask for."""

from __future__ import annotations

import pytest
from jupyter_process import SMOLLM2, text_of, wait_until

pytestmark = pytest.mark.model

HELLO = [{"role": "user", "content": "Say hello."}]


@pytest.fixture(params=["openai", "openai_through_jupyter"])
def client(lab, request):
    with getattr(lab.warm(), request.param)() as client:
        yield client


def test_chat_is_answered(client):
    answer = client.chat.completions.create(model="smollm2", messages=HELLO, temperature=0, max_tokens=8)
    assert answer.choices[0].message.content
    assert answer.usage.completion_tokens > 0


def test_chat_streams_piece_by_piece(client):
    stream = client.chat.completions.create(
        model="smollm2", messages=HELLO, temperature=0, max_tokens=16, stream=True
    )
    pieces = [chunk.choices[0].delta.content for chunk in stream if chunk.choices]
    assert len([piece for piece in pieces if piece]) > 3


def test_text_is_completed(client):
    assert (
        client.completions.create(model="smollm2", prompt="Once upon", temperature=0, max_tokens=8)
        .choices[0]
        .text
    )


def test_responses_are_given(client):
    assert client.responses.create(model="smollm2", input="Say hello.", max_output_tokens=8).output_text


def test_responses_stream(client):
    events = list(client.responses.create(model="smollm2", input="Hi.", max_output_tokens=8, stream=True))
    assert events[-1].type == "response.completed"


def test_texts_become_vectors(lab, client):
    lab.warm("lab/embedder")
    vectors = client.embeddings.create(model="embedder", input=["a cat", "a dog"]).data
    assert [len(vector.embedding) for vector in vectors] == [576, 576]


def test_models_are_listed(client):
    assert SMOLLM2 in [model.id for model in client.models.list()]


@pytest.mark.parametrize("name", [SMOLLM2, "smollm2", f"{SMOLLM2}@local", "default"])
def test_a_model_is_found_by_id_alias_and_cluster(client, name):
    assert client.models.retrieve(name).id == SMOLLM2


def test_default_means_the_current_choice(client):
    stream = client.chat.completions.create(
        model="default", messages=HELLO, temperature=0, max_tokens=8, stream=True
    )
    assert text_of(stream)


def test_a_new_choice_holds_for_the_very_next_request(lab):
    models = ["lab/embedder", SMOLLM2, "lab/embedder", SMOLLM2]
    with lab.kernels_port() as kernel, lab.openai() as client:

        def default_after(choice):
            kernel.put("first/api/current", json={"model": choice}).raise_for_status()
            return client.models.retrieve("default").id

        assert [default_after(model) for model in models] == models


def test_an_answer_names_who_served_it(lab):
    with lab.warm().openai() as client:
        answer = client.chat.completions.with_raw_response.create(
            model="smollm2",
            messages=HELLO,
            temperature=0,
            max_tokens=4,
            extra_headers={"x-request-id": "mine-7"},
        )
    assert answer.headers["x-first-cluster"] == "local"
    assert answer.headers["x-first-replica"].startswith("smollm2-135m-instruct-")
    assert answer.headers["x-first-route"] == "direct"
    assert answer.headers["x-request-id"] == "mine-7"


def test_usage_counts_the_tokens_of_an_answer(lab):
    before = lab.get("usage")["today"]["completion_tokens"]
    lab.warm().ask()
    wait_until(lambda: lab.get("usage")["today"]["completion_tokens"] > before, 60)
