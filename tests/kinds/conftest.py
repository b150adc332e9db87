"""Real servers of the kinds that are only asked, and all that may stand before them."""

import asyncio
import sys
from pathlib import Path

import pytest
from certificates import Authority
from federated import Federated
from first_jupyter_server import config
from first_jupyter_server.auth import scopes
from first_jupyter_server.clusters import first_gateway, kinds, looks
from first_jupyter_server.dataplane import dialing
from first_jupyter_server.dialects import first_gateway as dialect
from llama import Llama

sys.path.append(str(Path(__file__).parents[1] / "globus"))

from gateway import Gateway, section_for
from logins import globus_auth, log_in, logins  # noqa: F401  # the stand-in for Globus Auth, and logins there


@pytest.fixture(scope="session")
def llama():
    """A real server that the tests share; none of them may hang it."""
    server = Llama().ready()
    yield server
    server.end()


@pytest.fixture
def own_llama():
    """Starts real servers for one test."""
    servers = []

    def start(*args, **keys):
        servers.append(Llama(*args, **keys))
        return servers[-1].ready()

    yield start
    for server in servers:
        server.end()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """A CA that nobody knows of."""
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def trusted(authority, monkeypatch):
    """The same, named in SSL_CERT_FILE; what was read before is forgotten."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    dialing._context.cache_clear()
    yield authority
    dialing._context.cache_clear()


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch):
    for name in ("https_proxy", "http_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def quick_looks(monkeypatch):
    """Have answers hold for a moment only, and looks follow each other every second."""
    monkeypatch.setattr(looks, "NOT_BEFORE", 0.05)
    monkeypatch.setattr(looks, "EVERY", 1.0)
    monkeypatch.setattr(first_gateway, "CACHED", 0.05)
    monkeypatch.setattr(dialect, "AGAIN_IN", 0.1)


@pytest.fixture
async def federated(tmp_path, logins):  # noqa: F811
    """Opens a federation of these clusters; it is closed before the logins that it uses."""
    opened = []

    async def open_it(*, tokens=None, data=None, **clusters):
        opened.append(Federated(data or tmp_path / f"data-{len(opened)}", clusters, tokens))
        return await opened[-1].__aenter__()

    yield open_it
    await asyncio.gather(*(each.__aexit__() for each in opened))


@pytest.fixture
async def gateway(globus_auth, llama):  # noqa: F811
    """A gateway of two clusters, which know one model by two names; nothing runs on either."""
    clusters = {
        "sophia": {"vllm": ["openai/gpt-oss-120b", "lab/other"], "infinity": ["lab/vectors"]},
        "metis": {"api": ["gpt-oss-120b"]},
    }
    async with Gateway(globus_auth, llama, clusters) as standing:
        yield standing


@pytest.fixture
async def login(logins, globus_auth, gateway):  # noqa: F811
    """A login that the gateway takes."""
    sections = {"argonne": config.GatewaySection.model_validate(section_for(gateway))}
    rules = kinds.login_section(None, sections).session_required_policies
    wanted = scopes.wanted([], kinds.services(sections))
    login = await logins(wanted=wanted, session_required_policies=rules)
    await log_in(login, globus_auth)
    return login
