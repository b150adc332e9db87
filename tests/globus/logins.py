"""Logins of this process against the stand-in of Globus Auth, and a heartbeat of the loop they run on."""

import asyncio
import contextlib
import logging
import time

import pytest
from auth import COMPUTE, AuthStandIn
from first_jupyter_server.auth import scopes
from first_jupyter_server.auth.globus import GlobusLogin
from first_jupyter_server.config import GlobusSection
from first_jupyter_server.errors import ApiError

CALLBACK = "http://127.0.0.1:8888/user/ada/first/api/oauth/callback"


@pytest.fixture
def globus_auth(monkeypatch):
    """Serve the stand-in, and point the SDK at it."""
    standin = AuthStandIn()
    for name in ("FIRST_GLOBUS_CLIENT_ID", "FIRST_GLOBUS_CLIENT_SECRET", "GLOBUS_SDK_ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)
    with standin.serving() as url:
        monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_AUTH", url)
        yield standin


@pytest.fixture
async def logins(globus_auth, tmp_path):
    """Start logins that share one file, as servers of one user do; `.said` is what each told."""
    started = []

    async def start(*, wanted=None, account=None, log=None, **section):
        said = []
        login = GlobusLogin(
            wanted or scopes.wanted(["globus-compute"]),
            GlobusSection.model_validate(section),
            tmp_path / "globus",
            callback=lambda: CALLBACK,
            account=account,
            changed=said.append,
            log=log or logging.getLogger("first"),
            home=tmp_path,
        )
        login.said = said
        await login.start()
        started.append(login)
        return login

    yield start
    for login in started:
        await login.close()


@pytest.fixture
async def logged_in(logins, globus_auth):
    """Start a login that is through."""
    login = await logins()
    await log_in(login, globus_auth)
    return login


async def log_in(login, standin, **how):
    begun = await login.begin(**how)
    return await login.finish(await asyncio.to_thread(standin.visit, begun.url))


async def refusal(awaitable):
    """Return the error that something ends with."""
    with pytest.raises(ApiError) as caught:
        await awaitable
    return caught.value


async def eventually(condition, seconds=60.0):
    """Wait until a condition holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def heartbeat(standin):
    """See that the loop goes on while each of Globus' slow answers is on its way."""
    beats, begun = [], len(standin.slowed)

    async def beat():
        while True:
            beats.append(time.monotonic())
            await asyncio.sleep(0.01)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
    assert standin.slowed[begun:], "Globus was never asked"
    for asked in standin.slowed[begun:]:
        assert any(asked < at < asked + standin.slow for at in beats), "the loop was held"


def secrets_in(text, standin):
    """Return the tokens and codes of the stand-in that a text holds."""
    return [secret for secret in (*standin.issued, *standin.shown) if secret in text]


def tokens_in(text, standin):
    """Return the tokens of the stand-in that a text holds."""
    return [token for token in standin.issued if token in text]


def compute_token(standin, token):
    """Return whom Globus Compute sees behind a token."""
    return standin.whoami(token, COMPUTE)["username"]
