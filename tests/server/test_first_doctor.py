"""What `jupyter first doctor` finds on a Jupyter server's side, in conditions that are as they say."""

import asyncio
import json
import re
import shutil
import stat
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from first_jupyter_server import layers
from first_jupyter_server.doctor import installed, serving, surroundings
from first_jupyter_server.doctor.command import CHECKS, main
from first_jupyter_server.doctor.subject import Subject
from packaging.requirements import Requirement

DOCS = (Path(__file__).parents[2] / "docs" / "administrators.md").read_text()
COMPUTE = """
clusters:
  campus:
    kind: globus-compute
    endpoint: 11111111-2222-3333-4444-555555555555
    models:
      - id: org/model
        backend: vllm
"""
PROXY = {"HTTP_PROXY": "http://proxy.site:3128"}


@pytest.fixture
def subject(tmp_path):
    """Return a function that makes a subject in folders of its own."""

    def make(**more):
        for name in ("data", "runtime"):
            (tmp_path / name).mkdir(mode=0o700, exist_ok=True)
        return Subject(**{"data": tmp_path / "data", "runtime": tmp_path / "runtime", **more})

    return make


@pytest.fixture
def jupyter_path(tmp_path, monkeypatch):
    """Return a folder in which Jupyter looks before all others."""
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "path"))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "none"))
    return tmp_path / "path"


@pytest.fixture
def program(tmp_path):
    """Return a function that writes a shell script."""

    def write(name, text):
        script = tmp_path / name
        script.write_text(f"#!/bin/sh\n{text}\n")
        script.chmod(0o755)
        return str(script)

    return write


def kernel(folder, *command):
    spec = {"argv": [*command, "-m", "ipykernel_launcher"], "language": "python", "display_name": "Lab"}
    (folder / "kernels" / "lab").mkdir(parents=True)
    (folder / "kernels" / "lab" / "kernel.json").write_text(json.dumps(spec))


@pytest.mark.parametrize(
    ("enabled", "status", "words"),
    [(True, "ok", "enabled in"), (False, "fail", "is disabled"), (None, "fail", "is not enabled")],
)
def test_an_extension_that_is_not_enabled_is_found(subject, enabled, status, words):
    finding = installed.check_extension(subject(enabled=enabled))
    assert (finding.status, words in finding.found) == (status, True)


@pytest.mark.parametrize(
    ("package", "words"), [('{"version": "99.0.0"}', "is of release 99.0.0"), ("{", "cannot be read")]
)
def test_a_lab_extension_that_an_older_install_left_behind_is_found(subject, jupyter_path, package, words):
    folder = jupyter_path / "labextensions" / "first-jupyter"
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(package)
    finding = installed.check_labextension(subject())
    assert (finding.status, words in finding.found, str(folder) in finding.found) == ("fail", True, True)


def test_a_lab_extension_that_is_nowhere_is_found(subject, tmp_path, monkeypatch):
    monkeypatch.setattr(installed, "jupyter_path", lambda _: [str(tmp_path)])
    assert "in none of Jupyter's folders" in installed.check_labextension(subject()).found


def test_packages_that_are_missing_or_too_old_are_named():
    needed = ["openai>=999", "no-such-package-anywhere", "httptools", "vllm; extra == 'vllm'"]
    assert [words.split()[:2] for words in installed._unfit(map(Requirement, needed))] == [
        ["openai", "is"],
        ["no-such-package-anywhere", "is"],
    ]


@pytest.mark.parametrize(
    ("backend", "more", "missing"),
    [
        ("llama.cpp", "", "cluster here needs xllamacpp"),
        ("vllm", "", "cluster here needs vllm"),
        ("vllm", "python: /opt/vllm/bin/python", ""),
    ],
)
def test_a_backend_that_is_not_installed_is_found(subject, tmp_path, monkeypatch, backend, more, missing):
    file = tmp_path / "first.yaml"
    file.write_text(
        f"clusters: {{here: {{kind: local, models: [{{id: m, backend: {backend}, weights: /w, {more}}}]}}}}"
    )
    looked_at = subject(federation=layers.read([], [file]))
    assert looked_at.federation.problems == ()
    monkeypatch.setattr(installed, "find_spec", lambda _: None)
    finding = installed.check_extras(looked_at)
    assert (finding.status == "fail", missing in finding.found) == (bool(missing), True)


def test_a_cluster_behind_globus_compute_needs_its_sdk(subject, tmp_path, monkeypatch):
    file = tmp_path / "first.yaml"
    file.write_text(COMPUTE)
    looked_at = subject(federation=layers.read([], [file]))
    assert installed.check_extras(looked_at).status == "ok"
    monkeypatch.setattr(installed, "find_spec", lambda _: None)
    finding = installed.check_extras(looked_at)
    assert (finding.found, "first-jupyter[compute]" in finding.remedy) == (
        "cluster campus needs globus_compute_sdk",
        True,
    )


def test_a_kernel_of_an_environment_without_us_is_found(subject, jupyter_path, program):
    python = program("python3", f'exec {sys.executable} -S "$@"')
    kernel(jupyter_path, python)
    finding = installed.check_kernels(subject())
    assert (finding.status, finding.found) == ("warn", "kernel lab has no first_jupyter and no openai")
    assert finding.remedy == f"{python} -m pip install first-jupyter"


def test_a_kernel_whose_interpreter_is_gone_is_found(subject, jupyter_path):
    kernel(jupyter_path, "/nowhere/python3")
    finding = installed.check_kernels(subject())
    assert (finding.status, "kernel lab: /nowhere/python3 does not run" in finding.found) == ("fail", True)


def test_a_runtime_folder_that_cannot_be_written_is_found(subject, tmp_path):
    (tmp_path / "file").touch()
    finding = surroundings.check_runtime_folder(subject(runtime=tmp_path / "file" / "runtime"))
    assert (finding.status, "Not a directory" in finding.found) == ("fail", True)


@pytest.mark.parametrize("name", ["runtime", "data"])
def test_a_folder_that_others_may_write_to_is_found(subject, tmp_path, name):
    looked_at = subject()
    assert surroundings.check_runtime_folder(looked_at).status == "ok"
    (tmp_path / name).chmod(stat.S_IRWXU | stat.S_IWOTH)
    finding = surroundings.check_runtime_folder(looked_at)
    assert (finding.status, f"chmod go-w {tmp_path / name}" in finding.remedy) == ("fail", True)


def test_a_data_folder_of_a_newer_release_is_found(subject, tmp_path):
    assert surroundings.check_data_folder(subject()).status == "ok"
    (tmp_path / "data" / "format.json").write_text('{"format": 99, "release": "9.0.0"}')
    finding = surroundings.check_data_folder(subject())
    assert (finding.status, "Upgrade first-jupyter" in finding.found) == ("fail", True)


def test_a_data_folder_that_does_not_exist_yet_is_no_trouble_and_is_not_made(subject, tmp_path):
    finding = surroundings.check_room(subject(data=tmp_path / "not" / "yet"))
    assert "free at" in finding.found
    assert not (tmp_path / "not").exists()


@pytest.mark.parametrize(("free", "status"), [(50 * 2**20, "fail"), (500 * 2**20, "warn"), (2**40, "ok")])
def test_a_disk_that_is_nearly_full_is_found(subject, monkeypatch, free, status):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    assert surroundings.check_room(subject()).status == status


def test_a_data_folder_that_cannot_be_written_is_found(subject, tmp_path):
    (tmp_path / "file").touch()
    assert surroundings.check_room(subject(data=tmp_path / "file" / "first")).status == "fail"


@pytest.mark.parametrize(
    ("environment", "status"),
    [
        ({}, "ok"),
        (PROXY, "warn"),
        ({**PROXY, "NO_PROXY": "site.edu"}, "warn"),
        ({**PROXY, "NO_PROXY": "site.edu,127.0.0.1"}, "ok"),
        ({**PROXY, "no_proxy": "*"}, "ok"),
        ({"all_proxy": "socks5://proxy.site"}, "warn"),
        ({"HTTPS_PROXY": "http://proxy.site:3128"}, "ok"),
    ],
)
def test_a_proxy_that_would_be_asked_for_this_machine_is_found(subject, environment, status):
    assert surroundings.check_proxy(subject(environment=environment)).status == status


def test_a_fault_in_a_federation_file_is_quoted(subject, tmp_path):
    file = tmp_path / "first.yaml"
    file.write_text(COMPUTE.replace("kind: globus-compute", "kind: globus"))
    finding = serving.check_federation(subject(federation=layers.read([], [file])))
    assert (finding.status, f"{file}" in finding.found) == ("fail", True)


def test_a_data_plane_that_serves_is_well(subject):
    assert serving.check_dataplane(subject()).found == "starts and serves"


def test_a_data_plane_that_ends_as_it_starts_is_found(subject, program, monkeypatch):
    monkeypatch.setattr(sys, "executable", program("python", "exit 1"))
    finding = serving.check_dataplane(subject())
    assert (finding.status, finding.found) == ("fail", "it ended as it started")


def test_a_login_that_is_needed_and_not_there_is_found(subject, tmp_path):
    file = tmp_path / "first.yaml"
    file.write_text(COMPUTE)
    looked_at = subject(federation=layers.read([], [file]))
    assert looked_at.federation.problems == ()
    finding = serving.check_login(looked_at)
    assert (finding.status, "%first login" in finding.remedy) == ("fail", True)


def test_without_clusters_of_globus_neither_a_login_nor_the_time_matters(subject):
    assert {serving.check_login(subject()).status, serving.check_clock(subject()).status} == {"ok"}


@pytest.mark.parametrize(("ahead", "told"), [(300, ("warn", "behind")), (0, ("ok", "Globus"))])
async def test_a_clock_that_is_wrong_is_found(subject, tmp_path, replica_server, monkeypatch, ahead, told):
    async def tell(asked, writer):
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
        writer.write(f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 0\r\n\r\n".encode())

    globus = await replica_server(tell)
    monkeypatch.setattr(serving, "GLOBUS", f"http://127.0.0.1:{globus.port}/")
    file = tmp_path / "first.yaml"
    file.write_text(COMPUTE)
    finding = await asyncio.to_thread(serving.check_clock, subject(federation=layers.read([], [file])))
    assert (finding.status, told[1] in finding.found) == (told[0], True)


def test_where_globus_cannot_be_reached_the_clock_is_not_compared(subject, tmp_path, monkeypatch):
    monkeypatch.setattr(serving, "GLOBUS", "http://127.0.0.1:1/")
    file = tmp_path / "first.yaml"
    file.write_text(COMPUTE)
    finding = serving.check_clock(subject(federation=layers.read([], [file])))
    assert (finding.status, "cannot be reached" in finding.found) == ("warn", True)


def test_the_docs_tell_of_each_check_and_of_no_other():
    told = DOCS[DOCS.index("| check | ") : DOCS.index("## Metrics")]
    assert re.findall(r"^\| (?!check|---)([^|]+?) \|", told, re.MULTILINE) == list(CHECKS)


def test_the_command_reads_jupyters_own_configuration(tmp_path, monkeypatch, capsys):
    for name in ("CONFIG", "DATA", "RUNTIME"):
        (tmp_path / name).mkdir(mode=0o700)
        monkeypatch.setenv(f"JUPYTER_{name}_DIR", str(tmp_path / name))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    settings = {"ServerApp": {"jpserver_extensions": {"first_jupyter_server": False}}}
    settings["FirstApp"] = {"data_dir": str(tmp_path / "elsewhere")}
    (tmp_path / "CONFIG" / "jupyter_server_config.json").write_text(json.dumps(settings))
    assert main(["doctor", "--json"]) == 1
    rows = {row["check"]: row for row in json.loads(capsys.readouterr().out)}
    assert list(rows) == list(CHECKS)
    assert rows["extension"]["found"].startswith("the server extension is disabled")
    assert str(tmp_path / "elsewhere") in rows["room"]["found"]
    assert rows["runtime folder"]["found"] == str(tmp_path / "RUNTIME")
    assert all(row["remedy"] for row in rows.values() if row["status"] != "ok")
