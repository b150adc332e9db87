"""The parts of the federation: the site's, the groups' and the user's, put together."""

from __future__ import annotations

from pathlib import Path

import pytest
from first_jupyter_server import layers

LOCAL = """
  {name}:
    kind: local
    models: [{{id: "{name}/model", backend: llama.cpp, weights: /weights/model.gguf}}]
"""


def clusters(*names: str) -> str:
    """Return a part with local clusters of these names."""
    return "clusters:" + "".join(LOCAL.format(name=name) for name in names)


@pytest.fixture
def part(tmp_path):
    """Return a function that writes a part."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_clusters_of_all_parts_are_there_the_sites_first(part):
    layered = layers.read([part("site", clusters("a"))], [part("own", clusters("b", "c"))])
    assert list(layered.file.clusters) == ["a", "b", "c"]
    assert not layered.problems


def test_a_users_part_cannot_change_a_sites_cluster(part):
    site, own = part("site", clusters("a")), part("own", clusters("a").replace("model.gguf", "mine.gguf"))
    layered = layers.read([site], [own])
    assert layered.file.clusters["a"].models[0].weights.path == "/weights/model.gguf"
    (problem,) = layered.problems
    assert problem.startswith(f"{own}: clusters.a: {site} has a cluster of this name")


def test_a_users_part_that_is_wrong_leaves_the_sites_in_use(part):
    layered = layers.read([part("site", clusters("a"))], [part("own", "clusters: 3")])
    assert list(layered.file.clusters) == ["a"]
    assert len(layered.problems) == 1


def test_where_a_sites_part_is_wrong_nothing_but_the_embedded_model_is_used(part):
    layered = layers.read([part("site", "allow: 3")], [part("own", clusters("b"))])
    assert list(layered.file.clusters) == ["local"]
    assert not layered.origins
    assert len(layered.problems) == 1


def test_without_any_clusters_the_embedded_model_stands_ready(part):
    layered = layers.read([part("site", "allow: [{kinds: [local]}]")], [])
    assert list(layered.file.clusters) == ["local"]
    assert [rule.kinds for rules in layered.allow.values() for rule in rules] == [["local"]]


def test_a_file_that_says_nothing_is_told(part):
    layered = layers.read([], [empty := part("own", "clusters: {}")])
    assert layered.problems == (f"{empty}: it names no clusters; begin with 'clusters:'.",)


def test_the_first_section_globus_holds(part):
    first, second = part("site", "globus: {redirect: true}"), part("own", "globus: {redirect: false}")
    layered = layers.read([first], [second])
    assert layered.file.globus is not None
    assert layered.file.globus.redirect is True
    assert layered.problems == (f"{second}: globus: an earlier file has this section already; take it out.",)


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Make config folders of the system, an environment, a group and a user."""
    made = {name: tmp_path / name for name in ("system", "environment", "group", "user")}
    for folder in made.values():
        folder.mkdir()
        (folder / "first.yaml").write_text(clusters(folder.name))
    monkeypatch.setattr(layers, "SYSTEM_CONFIG_PATH", [str(made["system"])])
    monkeypatch.setattr(layers, "ENV_CONFIG_PATH", [str(made["environment"])])
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(made["group"]))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(made["user"]))
    return made


def names(paths: list[Path]) -> list[str]:
    """Return the folders' names."""
    return [path.parent.name for path in paths]


def test_parts_are_found_in_jupyters_folders(folders):
    site, others = layers.files("")
    assert names(site) == ["system", "environment"]
    assert names(others) == ["group", "user"]


def test_a_file_that_is_named_stands_for_the_users(folders, tmp_path):
    mine = tmp_path / "mine.yaml"
    site, others = layers.files(str(mine))
    assert names(site) == ["system", "environment"]
    assert others == [folders["group"] / "first.yaml", mine]


def test_no_setting_of_the_users_hides_the_sites_part(folders, monkeypatch):
    monkeypatch.setenv("JUPYTER_NO_CONFIG", "1")
    site, _ = layers.files("")
    assert names(site) == ["system", "environment"]


def test_where_a_hub_disables_users_files_those_in_the_home_are_left_out(folders, monkeypatch):
    monkeypatch.setenv("HOME", str(folders["user"].parent))
    named = folders["user"] / "first.yaml"
    assert layers.files("", of_users=False)[1] == []
    assert layers.files(str(named), of_users=False)[1] == [named]


def test_what_the_administrator_names_outside_of_the_home_counts_there(folders, monkeypatch):
    monkeypatch.setenv("HOME", str(folders["user"]))
    assert names(layers.files("", of_users=False)[1]) == ["group"]
