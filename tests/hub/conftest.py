"""One JupyterHub for two people."""

from __future__ import annotations

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "integration"))

from two_people import Hub, Person, new_folder


@pytest.fixture(scope="session")
def hub():
    """Start it."""
    folder = new_folder()
    running = Hub(folder)
    yield running
    running.close()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def accounts(hub):
    """Return both."""
    ada, bob = (hub.person(name) for name in ("ada", "bob"))
    bob.set_all_that_one_can()
    return ada, bob


@pytest.fixture(scope="module")
def people(accounts):
    """Return both, with a server each."""
    with ThreadPoolExecutor() as both:
        list(both.map(Person.start, accounts))
    return accounts


@pytest.fixture
def ada(people):
    """Whose server it is."""
    return people[0]


@pytest.fixture
def bob(people):
    """Who would like to have it."""
    return people[1]
