"""Federation files that are wrong, and models in them that cannot start: told at once, with the remedy."""

from __future__ import annotations

import json
from pathlib import Path

import openai
import pytest
from jupyter_process import CACHE, SMOLLM2

pytestmark = pytest.mark.model

TYPO = """
clusters:
  local:
    kind: local
    models:
      - id: mine
        backend: llama.cpp
        weigths: /weights/mine.gguf
"""


def test_a_typo_is_told_with_its_key_and_the_embedded_model_serves(jupyter):
    server = jupyter(federation=TYPO)
    federation = server.get("status")["federation"]
    file = str(server.home / "config" / "first.yaml")
    assert federation["file"] == file
    problems = federation["problems"]
    assert (
        f"{file}: clusters.local.models.0.weigths: there is no such key; did you mean 'weights'?" in problems
    )
    assert all(problem in server.log for problem in problems)
    assert server.get("models")["current"] == SMOLLM2
    assert server.warm().ask()


def test_a_file_that_is_no_yaml_is_told_also_to_who_asks_for_its_models(jupyter):
    server = jupyter(federation="clusters: [local")
    (problem,) = server.get("status")["federation"]["problems"]
    assert "it is not valid YAML in line 1, column" in problem
    with server.openai() as client, pytest.raises(openai.NotFoundError, match="is not valid YAML"):
        client.models.retrieve("mine")


def test_a_file_that_cannot_be_read_is_told(jupyter, tmp_path):
    server = jupyter(f"--FirstApp.federation_file={tmp_path}")
    assert server.get("status")["federation"]["problems"] == [
        f"{tmp_path}: it cannot be read (Is a directory)."
    ]
    assert server.get("models")["current"] == SMOLLM2


@pytest.mark.parametrize("stream", [False, True])
def test_weights_that_are_not_there_are_told_at_once(lab, stream):
    assert_told(lab, "lab/missing", "missing.gguf cannot be read: No such file or directory", stream=stream)


def test_a_file_that_holds_no_weights_is_told_at_once(lab):
    assert_told(lab, "lab/not-weights", "not-weights.gguf are no GGUF file")


def test_weights_that_are_cut_short_are_told_at_once(lab, model_folder):
    lab.warm()
    whole = next((CACHE / "weights").glob("*.gguf"))
    with whole.open("rb") as file:
        (model_folder / "cut-short.gguf").write_bytes(file.read(10**7))
    assert_told(lab, "lab/cut-short", "cut-short.gguf are damaged or cut short")
    assert "`%first log lab/cut-short` shows the end of its log" in lab.place("lab/cut-short")["reason"]
    for port in (lab.kernels_port, lab.jupyters_port):
        with port() as client:
            told = client.get("first/api/models/log", params={"model": "lab/cut-short@local"}).json()
        assert (told["model"], told["cluster"]) == ("lab/cut-short", "local")
        assert any("not within the file bounds" in line for line in told["lines"])
        assert Path(told["file"]).read_text().rstrip().endswith(told["lines"][-1])


@pytest.mark.parametrize("port", ["kernels_port", "jupyters_port"])
def test_what_runs_shows_the_end_of_its_log(lab, port):
    (lease,) = lab.warm().place()["leases"]
    asked = {"model": SMOLLM2, "cluster": "local", "replica": lease["replica"], "no_track_activity": "1"}
    with getattr(lab, port)() as client:
        told = client.get("first/api/models/log", params=asked).raise_for_status().json()
    assert (told["replica"], told["cluster"], told["reason"]) == (lease["replica"], "local", "")
    assert 1 <= len(told["lines"]) <= 100
    assert set(told["lines"]) <= {line[:500] for line in Path(told["file"]).read_text().splitlines()}
    keys = [json.loads(path.read_text())["key"] for path in lab.home.rglob("replicas/*.json")]
    assert not [key for key in keys if key and key in Path(told["file"]).read_text()]


def test_what_neither_runs_nor_failed_has_no_log_to_show(lab):
    with lab.cold().kernels_port() as client:
        answer = client.get("first/api/models/log", params={"model": SMOLLM2})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "no_log")


def assert_told(lab, model, reason, stream=False):
    """Ask, and see that the answer comes without a second try and says why there is none."""
    asked = {"model": model, "messages": [{"role": "user", "content": "Hi."}], "stream": stream}
    with lab.openai() as client, pytest.raises(openai.InternalServerError, match=reason) as refusal:
        client.chat.completions.create(**asked)
    assert refusal.value.status_code == 503
    records = [json.loads(path.read_text()) for path in lab.home.rglob("replicas/*.json")]
    assert {record["restarts"] for record in records if record["model"] == model} == {0}
    assert lab.place(model)["state"] == "offline"
    assert reason in lab.place(model)["reason"]
