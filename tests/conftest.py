"""Where tests run beside others: those on a Slurm cluster, or at a Hub, stay together; so does each file."""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling

ON_A_CLUSTER = ("tests/deploy/", "tests/globus/")


class Together(LoadScopeScheduling):
    """Gives each worker whole files, and one of them all that share a Slurm cluster, or a JupyterHub."""

    def _split_scope(self, nodeid):
        if nodeid.startswith("tests/hub/"):
            return "hub"
        return "cluster" if nodeid.startswith(ON_A_CLUSTER) else nodeid.partition("::")[0]


@pytest.hookimpl
def pytest_xdist_make_scheduler(config, log):
    """Take that one (pytest-xdist)."""
    return Together(config, log)
