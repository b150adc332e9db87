"""Replicas on this machine that follow the load, and one that is there before anybody asks."""

from __future__ import annotations

import json
import textwrap
from concurrent.futures import ThreadPoolExecutor

import pytest
from jupyter_process import SMOLLM2, TELL, wait_until

pytestmark = pytest.mark.model

BUSY, WARM = "lab/busy", SMOLLM2
IMPATIENT = """
from first_jupyter_server.federation import tuning

tuning.LEVEL_SECONDS = tuning.TREND_SECONDS = 2.0
tuning.DOWN_AFTER, tuning.DOWN_STARTS, tuning.PEAK_LASTS = 4.0, 0.0, 1.0
"""
"""What makes in seconds happen what takes minutes otherwise."""


@pytest.fixture
def scaled(jupyter, weights, tmp_path):
    common = {"backend": "llama.cpp", "weights": weights, "context": 2048, "args": ["--threads", "1"]}
    models = [
        {"id": BUSY, "parallel": 1, "max": 2, **common},
        {"id": WARM, "aliases": ["smollm2"], "parallel": 2, "min_warm": 1, **common},
    ]
    config = tmp_path / "impatient.py"
    config.write_text(textwrap.dedent(IMPATIENT))
    federation = json.dumps({"clusters": {"local": {"kind": "local", "models": models}}})
    return jupyter(f"--config={config}", federation=federation)


def replicas(lab, model):
    return [lease["replica"] for lease in lab.place(model)["leases"] if lease["stage"] == "ready"]


def test_a_second_replica_is_started_under_load_and_drained_afterwards(scaled):
    def tell(_):
        asked = {**TELL, "model": BUSY, "max_tokens": 700}
        with scaled.openai(timeout=240) as client:
            return sum(1 for _ in client.chat.completions.create(**asked))

    with ThreadPoolExecutor(4) as clients:
        stories = [clients.submit(tell, number) for number in range(4)]
        wait_until(lambda: len(replicas(scaled, BUSY)) == 2, 120)
        assert all(story.result() > 100 for story in stories)
    wait_until(lambda: len(replicas(scaled, BUSY)) == 1, 60)
    steps = [line for line in scaled.log.splitlines() if "Scaling: " in line and "busy" in line]
    assert f"one more of {BUSY} on local" in steps[0]
    assert "requests were in flight in the last" in steps[-1]


def test_a_model_that_is_kept_warm_is_there_before_anybody_asks_and_until_somebody_stops_it(scaled):
    scaled.until("hot", WARM)
    (lease,) = scaled.place(WARM)["leases"]
    assert lease["held_until"] is not None
    scaled.post("models/stop", model=WARM)
    scaled.until("cold", WARM)
    scaled.warm(BUSY)  # which scaling has looked at meanwhile
    assert scaled.log.count(f"one more of {WARM} on local") == 1


def test_a_batch_has_as_many_replicas_as_it_asks_for_and_gives_them_back(scaled):
    asked = {"model": BUSY, "prompt": "Once", "max_tokens": 60, "ignore_eos": True}
    rows = [
        {"custom_id": str(number), "method": "POST", "url": "/v1/completions", "body": asked}
        for number in range(600)
    ]
    with scaled.openai(timeout=60) as client:
        content = "".join(json.dumps(row) + "\n" for row in rows).encode()
        uploaded = client.files.create(file=("rows.jsonl", content), purpose="batch")
        batch = client.batches.create(
            input_file_id=uploaded.id,
            endpoint="/v1/completions",
            completion_window="24h",
            metadata={"replicas": "2"},
        )
        wait_until(lambda: len(replicas(scaled, BUSY)) == 2, 120, lambda: scaled.log)
        client.batches.cancel(batch.id)
        wait_until(lambda: client.batches.retrieve(batch.id).status == "cancelled", 60)
    wait_until(lambda: len(replicas(scaled, BUSY)) == 1, 120)
    assert "2 of it are kept warm there" in scaled.log
