"""Globus Auth and Globus Compute stood in for; RabbitMQ, Slurm and the agent are the true ones."""

from __future__ import annotations

import shutil
import sys
import uuid
from pathlib import Path

import pytest
from auth import AuthStandIn
from broker import Broker
from compute import ComputeStandIn
from endpoint import PYTHON, Agent
from logins import globus_auth, logged_in, logins  # noqa: F401  # fixtures
from slurm import Slurm

sys.path += [str(Path(__file__).parents[1] / name) for name in ("integration", "remote")]

from cluster import lab, serve, weights  # noqa: F401  # fixtures
from jupyter_process import wait_until


@pytest.fixture(scope="session")
def client_id():
    """Return the service account that the endpoint belongs to, and that asks it."""
    return str(uuid.uuid4())


@pytest.fixture(scope="session")
def broker(tmp_path_factory):
    """Run a RabbitMQ."""
    with Broker(tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.fixture(scope="session")
def slurm(tmp_path_factory):
    """Run a Slurm of two nodes."""
    with Slurm(tmp_path_factory.mktemp("slurm")) as running:
        yield running


@pytest.fixture(scope="session")
def compute(broker):
    """Serve the hosted half of Globus Compute, and Globus Auth beside it."""
    with ComputeStandIn(AuthStandIn(), broker.url) as running:
        yield running


@pytest.fixture(scope="session")
def agent(compute, slurm, client_id, tmp_path_factory):
    """Run the agent of an endpoint on the Slurm cluster."""
    folder = tmp_path_factory.mktemp("endpoint")
    with Agent(compute, folder, client_id, {"SLURM_CONF": str(slurm.config)}) as running:
        yield running


@pytest.fixture
def idle_slurm(lab, slurm):  # noqa: F811
    """Have the cluster without any job."""
    lab.have_cold()
    wait_until(lambda: not slurm.jobs(), 90, slurm.jobs)
    return slurm


@pytest.fixture(autouse=True)
def _undisturbed(request):
    """Take faults away after each test."""
    yield
    if "compute" in request.fixturenames:
        request.getfixturevalue("compute").web.faults.clear()


def pytest_collection_modifyitems(items):
    """Fail early, with the remedy, where the true parts are missing."""
    wanted = [item for item in items if item.get_closest_marker("globus")]
    missing = [name for name in ("slurmctld", "munged", "rabbitmqctl") if shutil.which(name) is None]
    if wanted and (missing or not PYTHON.exists()):
        raise pytest.UsageError("run .ci/globus-services and .ci/globus-env first, or choose -m 'not globus'")
