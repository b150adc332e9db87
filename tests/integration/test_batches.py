"""Batches as OpenAI's documentation makes them, on a real server with a real model."""

from __future__ import annotations

import json

import pytest
from jupyter_process import SMOLLM2, wait_until

ENDED = ("completed", "failed", "expired", "cancelled")


def line(number, **body):
    asked = [{"role": "user", "content": f"Say the number {number}."}]
    return {
        "custom_id": f"request-{number}",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": "smollm2", "messages": asked, "max_tokens": 4, **body},
    }


def lines(*entries):
    return "".join(json.dumps(entry) + "\n" for entry in entries).encode()


def begin(client, content, **options):
    uploaded = client.files.create(file=("requests.jsonl", content), purpose="batch")
    asked = {"endpoint": "/v1/chat/completions", "completion_window": "24h", **options}
    return client.batches.create(input_file_id=uploaded.id, **asked)


def ended(client, batch, seconds=180):
    def at_its_end():
        now = client.batches.retrieve(batch.id)
        return now if now.status in ENDED else None

    return wait_until(at_its_end, seconds, lambda: str(client.batches.retrieve(batch.id)))


def entries(client, file_id):
    return [json.loads(text) for text in client.files.content(file_id).text.splitlines()]


@pytest.mark.model
@pytest.mark.parametrize("port", ["openai", "openai_through_jupyter"])
def test_a_small_batch_is_answered_in_order_on_both_ports(lab, port):
    with getattr(lab.warm(), port)() as client:
        batch = begin(client, lines(*map(line, range(6))), metadata={"description": "numbers"})
        assert (batch.object, batch.metadata) == ("batch", {"description": "numbers"})
        done = ended(client, batch)
        assert (done.status, done.errors, done.error_file_id) == ("completed", None, None)
        counts = done.request_counts
        assert (counts.total, counts.completed, counts.failed) == (6, 6, 0)
        answers = entries(client, done.output_file_id)
        assert [answer["custom_id"] for answer in answers] == [f"request-{number}" for number in range(6)]
        for answer in answers:
            assert answer["response"]["status_code"] == 200
            assert answer["response"]["body"]["choices"][0]["message"]["content"]
        assert done.id in [each.id for each in client.batches.list()]
        assert done.model == SMOLLM2
        assert done.first["clusters"] == {"local": 6}
