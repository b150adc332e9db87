"""The weights that a cluster has, found in folders that look like a site's."""

import json
import os

import pytest
from first_jupyter_remote import shelf as module
from first_jupyter_remote.shelf import shelf

CHAT = ["LlamaForCausalLM"]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A Hugging Face home that nothing lies in yet."""
    for name in ("HF_HUB_CACHE", "FIRST_MODELS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))
    return tmp_path / "huggingface"


def put(folder, architectures=CHAT, weights=("model.safetensors",), age=0, **config):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"architectures": architectures, **config}))
    for name in weights:
        (folder / name).write_bytes(b"12345678")
    os.utime(folder, (1e9 - age, 1e9 - age))
    return folder


def cached(home, name, revision="abc", **what):
    kept = home / "hub" / f"models--{name.replace('/', '--')}"
    (kept / "refs").mkdir(parents=True, exist_ok=True)
    (kept / "refs/main").write_text("abc")
    return put(kept / "snapshots" / revision, **what)


def names():
    return [model["id"] for model in shelf()]


def test_a_model_of_the_cache_is_named_with_its_folder_and_size(home):
    folder = cached(home, "meta-llama/Llama-3.3-70B", weights=["a.safetensors", "b.safetensors"])
    assert shelf() == [
        {"id": "meta-llama/Llama-3.3-70B", "path": str(folder), "bytes": 16, "embeddings": False}
    ]


def test_the_revision_in_use_counts(home):
    cached(home, "lab/one", revision="old")
    folder = cached(home, "lab/one", revision="abc", age=10)
    assert [model["path"] for model in shelf()] == [str(folder)]


def test_the_cache_may_lie_elsewhere(home, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "elsewhere/hub"))
    cached(tmp_path / "elsewhere", "lab/one")
    assert names() == ["lab/one"]


def test_plain_folders_are_found_where_a_site_keeps_them(home, tmp_path, monkeypatch):
    put(home / "inside")
    put(tmp_path / "models/beside", age=1)
    put(tmp_path / "site/named")
    assert names() == ["inside", "beside"]
    monkeypatch.setenv("FIRST_MODELS", str(tmp_path / "site"))
    assert names() == ["named"]


def test_the_newest_comes_first_and_there_is_an_end(home, monkeypatch):
    for age in range(5):
        cached(home, f"lab/m{age}", age=age)
    monkeypatch.setattr(module, "MOST", 3)
    assert names() == ["lab/m0", "lab/m1", "lab/m2"]


@pytest.mark.parametrize(
    ("architectures", "embeds"),
    [(["BertModel"], True), (["XLMRobertaModel"], True), (["GPT2LMHeadModel"], False), (CHAT, False)],
)
def test_models_of_embeddings_are_told_apart(home, architectures, embeds):
    cached(home, "lab/one", architectures=architectures)
    assert [model["embeddings"] for model in shelf()] == [embeds]


def test_a_sentence_transformer_makes_embeddings_whatever_it_is_made_of(home):
    (cached(home, "lab/one") / "modules.json").write_text("[]")
    assert [model["embeddings"] for model in shelf()] == [True]


def test_what_is_not_whole_or_serves_no_text_is_left_out(home):
    cached(home, "lab/empty", weights=())
    cached(home, "lab/classifier", architectures=["BertForSequenceClassification"])
    cached(home, "lab/whisper", architectures=["WhisperForConditionalGeneration"], is_encoder_decoder=True)
    (cached(home, "lab/broken") / "config.json").write_text("{")
    half = cached(home, "lab/half", weights=["model-00001-of-00002.safetensors"])
    shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (half / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    gone = cached(home, "lab/gone", weights=())
    (gone / "model.safetensors").symlink_to(home / "no such blob")
    assert names() == []


def test_a_machine_without_any_has_an_empty_shelf():
    assert shelf() == []
