"""A cluster that is added to the federation file, and all that stays as it was."""

import os
import stat

import pytest
from first_jupyter_server import config
from first_jupyter_server.federation_file import NotOurs, add_cluster

ENDPOINT = "6c1d5b2e-0000-4000-8000-000000000001"
LAB = {
    "kind": "globus-compute",
    "endpoint": ENDPOINT,
    "models": [{"id": "lab/model", "backend": "vllm", "weights": "/models/model"}],
}
ADDED = f"""\
  lab:
    kind: globus-compute
    endpoint: {ENDPOINT}
    models:
      - id: lab/model
        backend: vllm
        weights: /models/model
"""
OURS = """\
# yaml-language-server: $schema=federation.schema.json

globus: {session_lasts: 7d}   # the site's
clusters:
  here:                       # this machine
    kind: local
    models:
      - id: 'lab/one'
        aliases: [one, "first"]
        backend: llama.cpp
        weights: /models/one.gguf   # the small one

      # the large one comes last
      - id: lab/two
        backend: vllm
        weights: /models/two
        args: [--tensor-parallel-size, "4"]
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "first.yaml"
    path.write_text(OURS)
    return path


def test_the_lines_of_the_cluster_are_added_and_nothing_else_changes(file):
    add_cluster(file, "lab", LAB)
    assert file.read_text() == OURS + ADDED


@pytest.mark.parametrize("deep", [2, 4])
@pytest.mark.parametrize("start", ["", "---\n"])
@pytest.mark.parametrize("dash", ["", "  "])
def test_the_hand_of_the_writer_is_kept(file, deep, start, dash):
    by = " " * deep
    ours = f"{start}clusters:\n{by}a:\n{by}{by}kind: local\n{by}{by}models:\n"
    ours += f"{by}{by}{dash}- id: b\n{by}{by}{dash}  backend: vllm\n{by}{by}{dash}  weights: /b\n"
    file.write_text(ours)
    add_cluster(file, "lab", LAB)
    text = file.read_text()
    assert text.startswith(ours)
    assert f"\n{by}lab:\n{by}{by}kind: globus-compute\n" in text
    assert f"\n{by}{by}{dash}- id: lab/model\n" in text


def test_a_file_in_json_can_be_added_to(file):
    file.write_text(
        '{"clusters": {"a": {"kind": "local", "models": [{"id": "b", "backend": "vllm", "weights": "/b"}]}}}'
    )
    add_cluster(file, "lab", LAB)
    assert list(config.load(file).clusters) == ["a", "lab"]


def test_without_a_file_a_new_one_begins_with_the_embedded_cluster(tmp_path):
    path = tmp_path / "jupyter" / "first.yaml"
    cluster = add_cluster(path, "lab", LAB)
    read = config.load(path)
    assert read.clusters == {**config.embedded().clusters, "lab": cluster}
    assert path.read_text().endswith(ADDED)
    assert "stands ready when there is no" not in path.read_text()


def test_the_mode_and_a_link_survive(file, tmp_path):
    file.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(file)
    add_cluster(link, "lab", LAB)
    assert link.is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert file.read_text().endswith(ADDED)


def test_what_has_no_meaning_never_replaces_the_file(file):
    with pytest.raises(config.Problem, match="endpoint"):
        add_cluster(file, "lab", {**LAB, "endpoint": "lab"})
    assert file.read_text() == OURS
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_is_not_the_user_s_to_write_gets_the_lines_to_add(file, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anything
    with pytest.raises(NotOurs) as refused:
        add_cluster(file, "lab", LAB)
    assert f"{file} is not yours to write" in str(refused.value)
    assert f"  lab:\n    kind: globus-compute\n    endpoint: {ENDPOINT}\n" in str(refused.value)
    assert file.read_text() == OURS
