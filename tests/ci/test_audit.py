"""The audit of the lock files fails on what is open or vulnerable, and says where it could ask nobody."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
audit = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(audit)

SEALED = {"packages": {"": {}, "node_modules/react": {"version": "18.3.1", "integrity": "sha512-AAAA"}}}
VULNERABLE = {
    "vulnerabilities": {
        "braces": {"range": "<3.0.3", "severity": "high", "via": [{"url": "https://advisories.example/1"}]},
        "micromatch": {"range": "<=4.0.7", "severity": "high", "via": ["braces"]},
    }
}


def of_pip(**package):
    return {"dependencies": [{"name": "jinja2", "version": "2.4.1", "vulns": []} | package]}


@pytest.mark.parametrize("lock", audit.PYTHON)
def test_each_python_package_of_ours_is_pinned_and_from_an_index(lock):
    assert [*audit.unpinned((ROOT / lock).read_text())] == []


@pytest.mark.parametrize("folder", audit.NPM)
def test_each_npm_package_of_ours_has_a_digest_and_runs_no_script_when_installed(folder):
    assert [*audit.unsealed(json.loads((ROOT / folder / "package-lock.json").read_text()))] == []
    assert "ignore-scripts=true" in (ROOT / folder / ".npmrc").read_text().splitlines()


@pytest.mark.parametrize(
    "line",
    [
        "httpx",
        "httpx>=0.27",
        "httpx==0.*",
        "httpx @ https://files.example/httpx.whl",
        "git+https://git.example/httpx",
        "-e ../httpx",
        "--index-url https://index.example/simple",
    ],
)
def test_what_pip_could_take_from_elsewhere_or_in_another_release_is_found(line):
    assert [*audit.unpinned(f"# a comment\nattrs==26.1.0  # via us\n{line}\n")] == [line]


@pytest.mark.parametrize("package", [{"resolved": "git+ssh://git.example/x"}, {"integrity": "sha1-AAAA"}])
def test_what_npm_could_be_given_something_else_for_is_found(package):
    lock = {"packages": {**SEALED["packages"], "node_modules/x": package}}
    assert [*audit.unsealed(lock)] == ["x"]


def test_a_vulnerability_is_told_with_the_release_that_mends_it():
    found = {"id": "GHSA-1", "fix_versions": ["2.11.3"]}
    assert [*audit.of_pip(of_pip(vulns=[found]))] == ["jinja2 2.4.1: GHSA-1, mended in 2.11.3"]
    assert [*audit.of_npm(VULNERABLE)] == [
        "braces <3.0.3: high, https://advisories.example/1",
        "micromatch <=4.0.7: high, by what it depends on",
    ]


def test_a_package_that_was_not_looked_up_is_no_success():
    with pytest.raises(audit.UnreachableError, match="could not be audited"):
        [*audit.of_pip(of_pip(skip_reason="jinja2 could not be audited"))]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder for npm, whose registry cannot be reached."""
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:1")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    package = {"name": "x", "version": "1.0.0", "dependencies": {"react": "18.3.1"}}
    (tmp_path / "package.json").write_text(json.dumps(package))
    lock = {"name": "x", "version": "1.0.0", "lockfileVersion": 3}
    lock["packages"] = {**SEALED["packages"], "": {"dependencies": package["dependencies"]}}
    (tmp_path / "package-lock.json").write_text(json.dumps(lock))
    return tmp_path


def test_advisories_that_cannot_be_had_are_a_warning_and_no_silence(folder, capsys):
    assert audit.main(python=[], npm=[str(folder)]) == 0
    assert f"WARNING: {folder} was NOT audited" in capsys.readouterr().out


def test_a_lock_that_leaves_something_open_fails_whoever_can_be_asked(folder, capsys, monkeypatch):
    monkeypatch.setattr(audit, "npm_audit", lambda _: [])
    lock = json.loads((folder / "package-lock.json").read_text())
    del lock["packages"]["node_modules/react"]["integrity"]
    (folder / "package-lock.json").write_text(json.dumps(lock))
    assert audit.main(python=[], npm=[str(folder)]) == 1
    assert "without a digest" in capsys.readouterr().out


def test_a_known_vulnerability_fails(folder, monkeypatch):
    monkeypatch.setattr(audit, "asked", lambda *_: VULNERABLE)
    assert audit.main(python=[], npm=[str(folder)]) == 1
