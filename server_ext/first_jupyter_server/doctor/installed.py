"""Checks of what is installed: both extensions, the packages they need, and the kernels' environments."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path

from first_jupyter_remote.protocol.finding import Finding, fail, ok, warn
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_core.paths import jupyter_path
from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

from first_jupyter_server.config import GlobusComputeCluster, LocalCluster

from .subject import Subject

__all__ = ["check_extension", "check_extras", "check_kernels", "check_labextension", "check_packages"]

AGAIN = f"{sys.executable} -m pip install --force-reinstall first-jupyter"
EXTRAS = {"llama.cpp": ("xllamacpp", "local"), "vllm": ("vllm", "vllm")}
"""What a backend on this machine is imported as, and which extra brings it."""

LOOKED_FOR = ("first_jupyter", "openai")
# Looked for, not imported: an import may take seconds, and may fail for reasons of its own. A kernel does not
# start in this folder, so what lies here does not count.
ASK = """
import importlib.util, sys
sys.path[:] = filter(None, sys.path)
print(*(name for name in sys.argv[1:] if importlib.util.find_spec(name)))
"""


def check_extension(subject: Subject) -> Finding:
    """See whether Jupyter loads the server extension."""
    remedy = "jupyter server extension enable first_jupyter_server --sys-prefix"
    if subject.enabled:
        return ok(f"enabled in {sys.prefix}")
    why = "is not enabled" if subject.enabled is None else "is disabled"
    return fail(f"the server extension {why} in Jupyter's configuration", remedy)


def check_labextension(_: Subject) -> Finding:
    """See whether JupyterLab finds its part, and whether that is of the same release."""
    ours = version("first-jupyter")
    folders = [Path(folder) / "first-jupyter" for folder in jupyter_path("labextensions")]
    found = next((folder for folder in folders if (folder / "package.json").is_file()), None)
    if found is None:
        return fail("JupyterLab's part is in none of Jupyter's folders", AGAIN)
    try:
        theirs = json.loads((found / "package.json").read_text(encoding="utf-8"))["version"]
        same = Version(theirs) == Version(ours)
    except (OSError, ValueError, KeyError, InvalidVersion) as error:
        return fail(f"{found}/package.json cannot be read: {error}", AGAIN)
    if not same:
        return fail(
            f"{found} is of release {theirs}, the server's side of {ours}",
            f"Remove that folder if it was left behind, then {AGAIN}",
        )
    return ok(f"{theirs} in {found}")


def check_packages(_: Subject) -> Finding:
    """See whether all packages that we need are there, and of a fitting release."""
    wrong = list(_unfit(map(Requirement, requires("first-jupyter") or [])))
    if wrong:
        return fail("; ".join(wrong), f"{sys.executable} -m pip install --upgrade first-jupyter")
    return ok(f"openai {version('openai')}, jupyter-server {version('jupyter-server')}, and the others")


def _unfit(needed: Iterator[Requirement]) -> Iterator[str]:
    for each in needed:
        if each.marker is not None and not each.marker.evaluate({"extra": ""}):
            continue
        try:
            there = version(each.name)
        except PackageNotFoundError:
            yield f"{each.name} is missing"
            continue
        if not each.specifier.contains(there, prereleases=True):
            yield f"{each.name} is {there}, and has to be {each.specifier}"


def check_extras(subject: Subject) -> Finding:
    """See whether there is what the federation's kinds of clusters and backends need."""
    missing = {
        extra: f"cluster {cluster} needs {module}"
        for cluster, module, extra in _needed(subject)
        if find_spec(module) is None
    }
    if missing:
        install = f"{sys.executable} -m pip install 'first-jupyter[{','.join(missing)}]'"
        return fail("; ".join(missing.values()), install)
    return ok("all that the federation's clusters need")


def _needed(subject: Subject) -> Iterator[tuple[str, str, str]]:
    """Yield each cluster with a module that it needs here, and the extra that brings that."""
    for name, cluster in subject.federation.file.clusters.items():
        if isinstance(cluster, GlobusComputeCluster):
            yield name, "globus_compute_sdk", "compute"
        elif isinstance(cluster, LocalCluster):
            for model in cluster.models:
                if model.python is None:
                    yield name, *EXTRAS[model.backend]


def check_kernels(subject: Subject) -> Finding:
    """See whether kernels of other environments find what notebooks need."""
    lacking = {}
    for name, python in _pythons():
        there = _asked(python, subject)
        if there is None:
            return fail(f"kernel {name}: {python} does not run", f"jupyter kernelspec remove {name}")
        if missing := [each for each in LOOKED_FOR if each not in there.split()]:
            lacking[python] = f"kernel {name} has no {' and no '.join(missing)}"
    if lacking:
        install = " && ".join(f"{python} -m pip install first-jupyter" for python in lacking)
        return warn("; ".join(lacking.values()), install)
    return ok("all Python kernels have first_jupyter")


def _asked(python: str, subject: Subject) -> str | None:
    """Return which of the packages an interpreter has; None where it does not run."""
    command, environment = [python, "-c", ASK, *LOOKED_FOR], dict(subject.environment)
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def _pythons() -> Iterator[tuple[str, str]]:
    """Return each Python kernel with its interpreter, other environments' launchers left out."""
    for name, found in KernelSpecManager().get_all_specs().items():
        command = found["spec"]["argv"][0]
        if found["spec"].get("language") == "python" and Path(command).name.startswith("python"):
            # Jupyter runs a bare name with its own interpreter.
            yield name, command if Path(command).is_absolute() else sys.executable
