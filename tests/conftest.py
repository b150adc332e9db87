"""Where tests run beside others: those on a Slurm cluster stay together, and so does each file."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent
ON_A_CLUSTER = ("deploy", "globus")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Name each test's group (pytest-xdist, ``--dist loadgroup``)."""
    for item in items:
        file = item.path.relative_to(HERE)
        group = "cluster" if file.parts[0] in ON_A_CLUSTER else str(file)
        item.add_marker(pytest.mark.xdist_group(group))
