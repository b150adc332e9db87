"""Checks of what is installed: Python, the Globus Compute agent, the inference server, the endpoint."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from first_jupyter_remote.modules import command
from first_jupyter_remote.protocol.finding import fail, ok, warn

from .subject import answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from first_jupyter_remote.protocol.finding import Finding

    from .subject import Subject

__all__ = ["check_agent", "check_files", "check_inference_server", "check_python"]

OLDEST_PYTHON = (3, 11)
AGENT = (4, 19)
FILES = ("config.yaml", "user_config_template.yaml.j2", "user_config_schema.json", "user_environment.yaml")
PACKAGES = {"vllm": ("vllm", "vllm"), "llama.cpp": ("xllamacpp", "xllamacpp")}
# Looked for, not imported: vLLM's import takes half a minute on a shared file system.
ASK = """
import importlib.metadata, importlib.util, sys
module, package = sys.argv[1:]
if importlib.util.find_spec(module) is None:
    sys.exit(1)
try:
    print(importlib.metadata.version(package))
except importlib.metadata.PackageNotFoundError:
    print("of unknown version")
"""


def check_files(subject: Subject) -> Finding:
    """See whether the endpoint's files are complete and private."""
    folder = subject.folder
    if not folder:
        return ok("not asked for; --endpoint-dir DIR looks at an endpoint")
    again = "Write them anew: first-remote deploy ... --force"
    if missing := [name for name in FILES if not (folder / name).is_file()]:
        return fail(f"{folder} has no {', '.join(missing)}", again)
    try:
        json.loads((folder / "user_config_schema.json").read_text())
    except ValueError as error:
        return fail(f"user_config_schema.json is no JSON: {error}", again)
    if open_to_others := [name for name in FILES if (folder / name).stat().st_mode & 0o022]:
        return fail(
            f"others may change {', '.join(open_to_others)}",
            f"chmod go-w {folder}/*; they decide what runs as you.",
        )
    return ok(str(folder))


def check_python(subject: Subject) -> Finding:
    """See whether the endpoint's interpreter is there and new enough."""
    version = answer(
        [subject.python, "-c", "import platform; print(platform.python_version())"], subject.environment
    )
    wanted = ".".join(map(str, OLDEST_PYTHON))
    if version is None:
        return fail(f"{subject.python} does not run", f"Make the environment with Python {wanted} or newer.")
    if _numbers(version) < OLDEST_PYTHON:
        return fail(f"Python {version}, {subject.python}", f"Python {wanted} or newer is needed.")
    return ok(f"Python {version}, {subject.python}")


def check_agent(subject: Subject) -> Finding:
    """See whether the Globus Compute agent is installed, and found as jobs will look for it."""
    install = f"{subject.python} -m pip install 'globus-compute-endpoint>=4.19,<5'"
    version = _installed(subject, "globus_compute_endpoint", "globus-compute-endpoint")
    if version is None:
        return fail(f"no globus-compute-endpoint in {subject.python}", install)
    path = shutil.which("globus-compute-endpoint", path=subject.environment.get("PATH"))
    if path is None:
        return fail(
            f"globus-compute-endpoint {version} is installed but not on PATH",
            "Put its bin folder first on PATH, in user_environment.yaml too.",
        )
    if not AGENT <= _numbers(version) < (AGENT[0] + 1,):
        return warn(
            f"globus-compute-endpoint {version}", f"The files are made for 4.19 and later 4.x: {install}"
        )
    return ok(f"globus-compute-endpoint {version}, {path}")


def check_inference_server(subject: Subject) -> Finding:
    """See whether the inference server is installed where the node agent will look."""
    backend = subject.spec.backend if subject.spec else "vllm"
    python = subject.spec.python if subject.spec and subject.spec.python else subject.python
    if backend not in PACKAGES:
        return fail(f"backend {backend!r} is unknown", f"Known: {', '.join(PACKAGES)}.")
    module, package = PACKAGES[backend]
    loads = subject.spec.modules if subject.spec else ()
    version = _installed(subject, module, package, python, loads)
    if version is None and loads:
        return fail(
            f"no {module} in {python} with the modules {', '.join(loads)}",
            f"See what a compute node says to: bash -lc 'module load {' '.join(loads)}'",
        )
    if version is None:
        return fail(
            f"no {module} in {python}",
            f"{python} -m pip install {package}, or name another `python` in the model's spec.",
        )
    return ok(f"{package} {version}, {python}")


def _installed(
    subject: Subject, module: str, package: str, python: str | None = None, loads: Sequence[str] = ()
) -> str | None:
    asked = command(loads, [python or subject.python, "-c", ASK, module, package])
    said = answer(asked, subject.environment, timeout=60)
    return said.splitlines()[-1] if said else said  # a login shell may have had words of its own


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
