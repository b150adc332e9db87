"""Audits the lock files: what they leave open, and which known vulnerabilities they hold."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

PYTHON = (".ci/requirements.txt", ".ci/ai-requirements.txt")
NPM = ("labextension", "tests/browser")
PIP_AUDIT = "pip-audit==2.10.0"
PINNED = re.compile(r"[A-Za-z0-9._-]+(\[[\w,-]+\])?==[^\s;*]+( ; .+)?")


class UnreachableError(Exception):
    """Nobody could be asked for advisories."""


def unpinned(lock: str) -> Iterator[str]:
    """Yield the lines of a lock for pip that are not one release of one package from an index."""
    for line in lock.splitlines():
        requirement = line.partition(" #")[0].strip()
        if requirement and not requirement.startswith("#") and not PINNED.fullmatch(requirement):
            yield requirement


def unsealed(lock: dict[str, Any]) -> Iterator[str]:
    """Yield the packages of a lock for npm that come without a digest."""
    for name, package in lock["packages"].items():
        if name and not str(package.get("integrity", "")).startswith("sha512-"):
            yield name.removeprefix("node_modules/")


def of_pip(report: dict[str, Any]) -> Iterator[str]:
    """Yield one line for each vulnerability in a report of pip-audit (``--format json``).

    Raises
    ------
    UnreachableError
        Where a package was not looked up: pip-audit itself takes that for a success.
    """
    for package in report["dependencies"]:
        if reason := package.get("skip_reason"):
            raise UnreachableError(reason)
        for found in package["vulns"]:
            fixed = ", ".join(found["fix_versions"]) or "no release yet"
            yield f"{package['name']} {package['version']}: {found['id']}, mended in {fixed}"


def of_npm(report: dict[str, Any]) -> Iterator[str]:
    """Yield one line for each vulnerable package in a report of npm (``npm audit --json``).

    Raises
    ------
    UnreachableError
        Where it is no report.
    """
    if "vulnerabilities" not in report:
        raise UnreachableError(report.get("message", "npm gave no report"))
    for name, package in report["vulnerabilities"].items():
        told = [each.get("url", each.get("title", "")) for each in package["via"] if isinstance(each, dict)]
        yield f"{name} {package['range']}: {package['severity']}, {' '.join(told) or 'by what it depends on'}"


def asked(*command: str) -> dict[str, Any]:
    """Return the JSON that a command prints; its exit status says the same in fewer words."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return json.loads(done.stdout)
    except ValueError:
        last = (done.stderr.strip() or done.stdout.strip() or "no word").splitlines()[-1]
        raise UnreachableError(f"{Path(command[0]).name}: {last[:300]}") from None


def pip_audit(lock: str) -> list[str]:
    """Ask about a lock for pip. Packages for other systems are passed over."""
    links = os.environ.get("PIP_FIND_LINKS")
    found = ("--find-links", links) if links else ()
    command = (
        str(Path(sys.executable).with_name("uv")),
        "tool",
        "run",
        *found,
        "--from",
        PIP_AUDIT,
        "pip-audit",
    )
    options = ("--vulnerability-service", "osv", "--no-deps", "--disable-pip", "--progress-spinner", "off")
    return [*of_pip(asked(*command, *options, "--format", "json", "--requirement", lock))]


def npm_audit(folder: str) -> list[str]:
    """Ask about a lock for npm."""
    return [*of_npm(asked("npm", "audit", "--json", "--package-lock-only", "--prefix", folder))]


def is_well(what: str, found: Iterable[str]) -> bool:
    """Print what was found; return whether that is nothing."""
    lines = [*found]
    for line in lines:
        print(f"Audit: {what}: {line}")
    return not lines


def main(python: Sequence[str] = PYTHON, npm: Sequence[str] = NPM) -> int:
    """Look at all lock files; 1 where something is wrong."""
    pips = {lock: Path(lock).read_text(encoding="utf-8") for lock in python}
    npms = {name: json.loads((Path(name) / "package-lock.json").read_text(encoding="utf-8")) for name in npm}
    checks = [is_well(f"not pinned in {lock}", unpinned(text)) for lock, text in pips.items()]
    checks += [is_well(f"without a digest in {folder}", unsealed(lock)) for folder, lock in npms.items()]
    for audit, locks in ((pip_audit, python), (npm_audit, npm)):
        for lock in locks:
            try:
                checks.append(is_well(f"vulnerable in {lock}", audit(lock)))
            except UnreachableError as error:
                print(f"WARNING: {lock} was NOT audited, no advisories can be had: {error}")
    return 0 if all(checks) else 1


if __name__ == "__main__":
    sys.exit(main())
