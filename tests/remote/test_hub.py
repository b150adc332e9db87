"""Models that are named by their id on the hub, on the real vLLM with the hub's cache and no network."""

from __future__ import annotations

import pytest
from replica_worker import ask_for_capital

pytestmark = pytest.mark.vllm
NAME = "lab/smol"


@pytest.fixture
def by_id(vllm_spec, tmp_path):
    """Return a model without weights, and its Hugging Face home, which has nothing in it."""
    home = tmp_path / "huggingface"
    env = {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    return {**vllm_spec, "id": NAME, "weights": {}, "env": env}, home


def test_an_id_is_found_in_the_cache(serve, by_id, vllm_spec):
    spec, home = by_id
    kept = home / "hub" / "models--lab--smol"
    (kept / "snapshots").mkdir(parents=True)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("1f2e3d")
    (kept / "snapshots" / "1f2e3d").symlink_to(vllm_spec["weights"]["path"])
    record = serve(spec).stage("ready", "failed", timeout=600)
    assert record["stage"] == "ready", record["reason"]
    assert "Paris" in ask_for_capital(record, NAME)


def test_an_id_that_is_not_in_the_cache_fails_with_what_to_download(serve, by_id):
    spec, _ = by_id
    last = serve(spec).result(timeout=600)
    assert (last["stage"], last["restarts"]) == ("failed", 0)
    assert "lab/smol is not in the Hugging Face cache" in last["reason"]
    assert "hf download lab/smol" in last["reason"]
