"""A kind that another package adds is used like ours, and one that is broken is told."""

import subprocess
import sys
import textwrap

import pytest

PACKAGE = """
from typing import Literal
from pydantic import BaseModel
from first_jupyter_server.clusters.base import Offer, Status
from first_jupyter_server.federation.catalog import Place, State


class Section(BaseModel):
    kind: Literal["sky"]
    model: str


class Sky:
    kind, status, unstoppable = "sky", Status("online"), ""

    def __init__(self, name, section, here):
        self.name, self._model = name, section.model

    def offers(self):
        return [Offer(self._model, (), ("chat",), None, Place(self.name, "sky", "other", State.COLD))]


class Kind:
    section = Section

    @staticmethod
    def make(name, section, here):
        return [Sky(name, section, here)]
"""
READ = """
import sys
from first_jupyter_server import config
from first_jupyter_server.clusters import kinds
try:
    file = config.parse(sys.argv[1], "first.yaml")
except config.Problem as problem:
    sys.exit(str(problem))
for name, section in file.clusters.items():
    if section.kind == "openai":
        sys.exit(type(section).__module__)
    for cluster in kinds.make(name, section, None):
        print(cluster.name, cluster.kind, [offer.id for offer in cluster.offers()])
"""


@pytest.fixture
def read(tmp_path):
    """Reads a federation file where a package with this entry point is installed."""

    def read_it(text, entry="sky = sky_kind:Kind"):
        (tmp_path / "sky_kind.py").write_text(PACKAGE)
        info = tmp_path / "sky_kind-1.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sky-kind\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[first_jupyter.clusters]\n{entry}\n")
        return subprocess.run(
            [sys.executable, "-c", READ, textwrap.dedent(text)],
            env={"PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    return read_it


GOOD = "clusters: {above: {kind: sky, model: org/cloud}}"


def test_a_kind_of_another_package_makes_clusters(read):
    done = read(GOOD)
    assert (done.stdout, done.stderr) == ("above sky ['org/cloud']\n", "")


def test_a_fault_in_its_section_is_told_like_any(read):
    assert (
        read("clusters: {above: {kind: sky}}").stderr == "first.yaml: clusters.above.model: it is missing.\n"
    )


def test_an_unknown_kind_is_told_with_all_that_there_are(read):
    assert read("clusters: {above: {kind: sea}}").stderr == (
        "first.yaml: clusters.above.kind: there is no kind 'sea'; there are: local, globus-compute, openai, "
        "first-gateway, sky.\n"
    )


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("sky = sky_kind:Nothing", "module 'sky_kind' has no attribute 'Nothing'"),
        ("sky = no_such_module:Kind", "No module named 'no_such_module'"),
        ("sky = sky_kind:Sky", "sky_kind:Sky has no 'section', a pydantic model"),
        ("rain = sky_kind:Kind", "its section has no field kind: Literal['rain']"),
    ],
)
def test_a_kind_that_cannot_be_used_is_told_with_its_package(read, entry, why):
    name = entry.partition(" ")[0]
    told = f"the kind '{name}' cannot be used: the package sky-kind says it adds it, but {why}."
    done = read(GOOD.replace("kind: sky", f"kind: {name}"), entry)
    assert done.stderr == f"first.yaml: clusters.above.kind: {told}\n"


def test_a_kind_of_ours_cannot_be_replaced(read):
    text = "clusters: {campus: {kind: openai, url: 'http://127.0.0.1/v1'}}"
    assert read(text, "openai = sky_kind:Kind").stderr == "first_jupyter_server.sections.openai\n"
