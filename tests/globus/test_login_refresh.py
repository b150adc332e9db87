"""Fresh tokens without anybody noticing; and what is said when there is none."""

import asyncio
import logging
import threading
import time

import pytest
from auth import COMPUTE
from first_jupyter_server.auth.storage import Account, TokenFile
from first_jupyter_server.errors import ApiError
from logins import compute_token, heartbeat, log_in


@pytest.fixture
async def expired(logins, globus_auth):
    """Start a login whose access tokens are over."""
    globus_auth.lifetime = 1
    login = await logins()
    await log_in(login, globus_auth)
    globus_auth.lifetime = 172_800
    globus_auth.expire_access()
    return login


async def test_twenty_who_ask_at_once_share_one_refresh_and_the_loop_goes_on(expired, globus_auth):
    globus_auth.slow = 1.0
    async with heartbeat(globus_auth):
        tokens = await asyncio.gather(*(expired.tokens.token(COMPUTE) for _ in range(20)))
    assert len(set(tokens)) == 1
    assert compute_token(globus_auth, tokens[0]) == "ada@lab.example"
    assert globus_auth.grants("refresh_token") == ["refresh_token"]
    assert expired.state.state == "logged_in"


async def test_two_servers_with_one_file_share_one_refresh(expired, logins, globus_auth):
    other = await logins()
    globus_auth.slow = 0.3
    tokens = await asyncio.gather(
        *(login.tokens.token(COMPUTE) for login in (expired, other) for _ in range(10))
    )
    assert len(set(tokens)) == 1
    assert globus_auth.grants("refresh_token") == ["refresh_token"]


async def test_clients_in_threads_get_fresh_tokens_and_another_one_after_a_401(expired, globus_auth):
    authorizer = expired.tokens.authorizer(COMPUTE)
    headers = await asyncio.gather(
        *(asyncio.to_thread(authorizer.get_authorization_header) for _ in range(8))
    )
    assert len(set(headers)) == 1
    globus_auth.expire_access()  # a service turns it down long before its time
    assert authorizer.handle_missing_authorization()
    again = await asyncio.to_thread(authorizer.get_authorization_header)
    assert again not in headers
    assert compute_token(globus_auth, again.removeprefix("Bearer ")) == "ada@lab.example"
    assert len(globus_auth.grants("refresh_token")) == 2
    with pytest.raises(RuntimeError, match="event loop"):
        authorizer.get_authorization_header()


async def test_a_login_that_globus_forgot_ends_with_a_sentence(expired, globus_auth):
    globus_auth.revoke_consents()
    with pytest.raises(ApiError) as caught:
        await expired.tokens.token(COMPUTE)
    assert (caught.value.status, caught.value.code) == (401, "login_required")
    assert caught.value.message.startswith("The login as ada@lab.example has ended")
    assert (expired.state.state, expired.state.sentence) == ("demand", caught.value.message)
    assert (await log_in(expired, globus_auth)).state == "logged_in"
    assert compute_token(globus_auth, await expired.tokens.token(COMPUTE)) == "ada@lab.example"


async def test_globus_out_of_service_leaves_the_login_as_it_is(expired, globus_auth):
    globus_auth.fail = 503
    with pytest.raises(ApiError) as caught:
        await expired.tokens.token(COMPUTE)
    assert (caught.value.status, caught.value.code) == (503, "globus_unavailable")
    assert "HTTP 503" in caught.value.message
    globus_auth.fail = None
    assert compute_token(globus_auth, await expired.tokens.token(COMPUTE)) == "ada@lab.example"


async def test_a_login_of_another_server_is_seen_and_its_logout_too(logins, globus_auth):
    here, there = await logins(), await logins()
    await log_in(there, globus_auth)
    assert (await here.look()).username == "ada@lab.example"
    await there.logout()
    assert (await here.look()).state == "logged_out"


@pytest.mark.parametrize(
    ("age", "state", "words"),
    [
        (0, "logged_in", "Logged in as ada@lab.example for Globus Compute."),
        (4.5, "logged_in", "Logged in as ada@lab.example; 3 days left. Log in again before that."),
        (6.5, "logged_in", "Logged in as ada@lab.example; 12 hours left. Log in again before that."),
        (7.1, "demand", "The login as ada@lab.example is as old as this site lets one be: log in again."),
    ],
)
async def test_the_end_of_a_login_is_told_before_it_comes(logins, globus_auth, age, state, words):
    globus_auth.person.last_authentication = time.time() - age * 86_400 - 60
    login = await logins(session_lasts="14d" if age == 4.5 else "7d")
    if age == 4.5:
        globus_auth.person.last_authentication = time.time() - 11.2 * 86_400
    done = await log_in(login, globus_auth)
    assert (done.state, done.sentence) == (state, words)
    assert done.ends_soon == ("left" in words)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 1}', '{"version": 2, "accounts": {}}', "\0"])
async def test_a_broken_file_is_named_with_its_remedy(logins, tmp_path, content):
    file = tmp_path / "globus" / "tokens.json"
    file.parent.mkdir()
    file.write_text(content)
    login = await logins()
    assert login.state.state == "demand"
    assert str(file) in login.state.sentence
    assert "Move it away" in login.state.sentence
    with pytest.raises(ApiError) as caught:
        await login.begin()
    assert caught.value.code == "login_file_broken"
    assert file.read_text() == content
    file.unlink()
    assert (await login.look()).state == "logged_out"


def test_a_file_that_others_could_read_is_made_private(tmp_path, caplog):
    file = TokenFile(tmp_path / "tokens.json", logging.getLogger("first"))
    file.put(Account("c"))
    file.path.chmod(0o644)
    assert set(file.accounts()) == {"c"}
    assert file.path.stat().st_mode & 0o077 == 0
    assert "only its owner can read it now" in caplog.text


def test_many_writers_lose_nothing(tmp_path):
    def write(number):
        file = TokenFile(tmp_path / "tokens.json", logging.getLogger("first"))
        for turn in range(5):
            file.put(Account(f"{number}.{turn}"))

    writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(TokenFile(tmp_path / "tokens.json", logging.getLogger("first")).accounts()) == 40
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tokens.json", "tokens.json.lock"]
