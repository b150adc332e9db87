"""The walls of docs/architecture.md: what each of the three packages imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

KERNEL, SERVER, CLUSTER = "first_jupyter", "first_jupyter_server", "first_jupyter_remote"
DOORS = {f"{CLUSTER}.protocol", f"{CLUSTER}.functions"}
BACKENDS = {"gguf", "numpy", "uvloop", "xllamacpp"}
"""What is found in the environment of an inference server."""
COMMAND = "first_jupyter_server/remote_command.py"
"""The command ``first-remote``, which no server loads."""
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


class Import(NamedTuple):
    """One name that a file imports, in full; ``later`` where a function does so."""

    file: str
    name: str
    later: bool

    @property
    def package(self):
        return self.name.partition(".")[0]

    @property
    def module(self):
        return ".".join(self.name.split(".")[:2])


def names(node, place):
    """Return in full what a statement imports; `place` is where it stands, as package and module."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        origin = [*place[: -node.level]] if node.level else []
        origin += [node.module] if node.module else []
        return [".".join([*origin, alias.name]) for alias in node.names]
    return []


def imports(package):
    """Read all imports of a package's files."""
    folder = Path(import_module(package).__file__).parent
    for file in folder.rglob("*.py"):
        tree, path = ast.parse(file.read_text(encoding="utf-8")), file.relative_to(folder.parent)
        functions = (node for node in ast.walk(tree) if isinstance(node, FUNCTION))
        later = {node for function in functions for node in ast.walk(function)}
        for node in ast.walk(tree):
            for name in names(node, path.with_suffix("").parts):
                yield Import(str(path), name, node in later)


def test_the_kernel_s_side_imports_neither_of_the_others():
    assert [found for found in imports(KERNEL) if found.package in {SERVER, CLUSTER}] == []


def test_the_cluster_s_side_is_loaded_with_the_standard_library_alone():
    at_home = sys.stdlib_module_names | {CLUSTER}
    assert [found for found in imports(CLUSTER) if not found.later and found.package not in at_home] == []


def test_the_cluster_s_functions_import_besides_what_an_inference_server_has():
    at_home = sys.stdlib_module_names | {CLUSTER}
    assert {found.package for found in imports(CLUSTER) if found.later} - at_home == BACKENDS


def test_the_server_s_side_knows_of_the_cluster_s_its_two_doors_alone():
    across = [found for found in imports(SERVER) if found.package == CLUSTER and found.file != COMMAND]
    assert [found for found in across if found.module not in DOORS] == []
    assert {found.module for found in across} == DOORS


def test_the_command_for_administrators_is_no_way_round_the_doors():
    crossing = [found for found in imports(SERVER) if found.package == CLUSTER and found.file == COMMAND]
    assert [found.module for found in crossing] == [f"{CLUSTER}.cli"]
    assert [found for found in imports(SERVER) if found.module == f"{SERVER}.remote_command"] == []


def test_the_command_for_administrators_is_loaded_with_the_standard_library_alone():
    code = (
        "import sys; before = set(sys.modules); import first_jupyter_server.remote_command;"
        "print(*(set(sys.modules) - before))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert {name.partition(".")[0] for name in loaded.split()} - sys.stdlib_module_names == {SERVER, CLUSTER}
