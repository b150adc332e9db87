import subprocess
import sys

import pytest

import first_jupyter

SLOW = {"asyncio", "email", "http", "subprocess"}


def loaded_by(statement):
    """Return the packages that a statement loads in a new interpreter."""
    code = f"import sys; before = set(sys.modules); {statement}; print(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_importing_loads_the_standard_library_alone_and_little_of_it():
    loaded = loaded_by("import first_jupyter")
    assert loaded - sys.stdlib_module_names == {"first_jupyter"}
    assert not loaded & SLOW


def test_the_magics_load_neither_openai_nor_widgets():
    code = (
        "import sys; from IPython.core.interactiveshell import InteractiveShell as S;"
        "s = S.instance(); before = set(sys.modules); s.run_line_magic('load_ext', 'first_jupyter');"
        "print(*(set(sys.modules) - before))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "first_jupyter._magic" in loaded
    assert not {name.partition(".")[0] for name in loaded.split()} & {
        "openai",
        "ipywidgets",
        "pydantic",
        "pandas",
    }


@pytest.mark.parametrize("name", [*first_jupyter.__all__, "map", "last"])
def test_every_public_name_is_there(name):
    assert name in dir(first_jupyter)
    getattr(first_jupyter, name)


def test_a_star_leaves_python_s_own_map_alone():
    names = {}
    exec("from first_jupyter import *", names)
    assert "amap" in names
    assert "map" not in names


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        first_jupyter.nothing  # noqa: B018


def test_jupyterlab_finds_the_extension():
    assert first_jupyter._jupyter_labextension_paths() == [{"src": "labextension", "dest": "first-jupyter"}]
