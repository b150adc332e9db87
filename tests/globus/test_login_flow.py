"""Logging in and out against Globus Auth as the SDK sees it."""

import asyncio
import stat
import subprocess
import sys
import time
from urllib.parse import parse_qs, urlsplit

from auth import AUTH, COMPUTE, NATIVE_CLIENT, Person, demand
from logins import CALLBACK, compute_token, eventually, heartbeat, log_in, refusal


async def test_a_pasted_code_logs_in_for_what_the_clusters_need_and_no_more(logins, globus_auth):
    login = await logins()
    assert login.state.state == "logged_out"
    assert login.state.sentence == "Not logged in with Globus. Globus Compute needs it."
    begun = await login.begin()
    assert (login.state.state, begun.way) == ("pending", "paste")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(begun.url).query).items()}
    assert asked["scope"].split() == ["openid", "profile", *login._wanted[COMPUTE].scopes]
    assert asked["access_type"] == "offline"
    done = await login.finish(await asyncio.to_thread(globus_auth.visit, begun.url))
    assert done.sentence == "Logged in as ada@lab.example for Globus Compute."
    assert compute_token(globus_auth, await login.tokens.token(COMPUTE)) == "ada@lab.example"
    assert globus_auth.grants() == ["authorization_code"]
    assert [said.state for said in login.said] == ["logged_out", "pending", "logged_in"]


async def test_a_redirect_logs_in_where_the_site_registered_it(logins, globus_auth):
    globus_auth.native[NATIVE_CLIENT]["redirects"].add(CALLBACK)
    login = await logins(redirect=True)
    begun = await login.begin()
    address = urlsplit(await asyncio.to_thread(globus_auth.visit, begun.url))
    back = {name: values[0] for name, values in parse_qs(address.query).items()}
    assert (begun.way, address.path) == ("redirect", urlsplit(CALLBACK).path)
    assert (await refusal(login.finish(back["code"], "x" * 43))).code == "state_mismatch"
    assert (await refusal(login.finish(back["code"]))).code == "state_mismatch"
    assert (await login.finish(back["code"], back["state"])).state == "logged_in"
    assert (await refusal(login.finish(back["code"], back["state"]))).code == "no_login"


async def test_a_redirect_that_is_not_registered_is_not_offered(logins):
    login = await logins()
    assert login.ways == ("paste",)
    assert (await refusal(login.begin("redirect"))).code == "no_redirect"


async def test_a_code_is_taken_once_and_a_mistyped_one_may_be_typed_again(logins, globus_auth):
    login = await logins()
    begun = await login.begin()
    code = await asyncio.to_thread(globus_auth.visit, begun.url)
    assert (await refusal(login.finish("mistyped"))).code == "code_refused"
    assert login.state.state == "pending"
    assert (await login.finish(code)).state == "logged_in"
    await login.begin(force=True)
    assert (await refusal(login.finish(code))).code == "code_refused"


async def test_two_windows_share_a_login_that_was_begun_and_a_forced_one_is_another(logins):
    login = await logins()
    first = await login.begin()
    assert await login.begin() is first
    other = await login.begin(force=True)
    assert other.state != first.state
    assert "prompt=login" in other.url


async def test_a_login_that_was_begun_runs_out(logins, monkeypatch):
    login = await logins()
    begun = await login.begin()
    monkeypatch.setattr(time, "time", lambda now=time.time: now() + 16 * 60)
    assert login.state.state == "logged_out"
    assert (await refusal(login.finish("code"))).code == "no_login"
    assert begun.until < time.time()


async def test_a_login_that_ran_out_is_told(logins, monkeypatch):
    monkeypatch.setattr("first_jupyter_server.auth.flow.MINUTES", 0.01)
    login = await logins()
    await login.begin()
    await eventually(lambda: len(login.said) == 3)
    assert [said.state for said in login.said] == ["logged_out", "pending", "logged_out"]


def test_jupyter_starts_without_the_sdk():
    code = "import sys, first_jupyter_server.extension; sys.exit('globus_sdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_a_login_that_was_begun_can_be_given_up(logins, tmp_path):
    login = await logins()
    await login.begin()
    assert (tmp_path / "globus" / "pending.json").exists()
    assert (await login.cancel()).state == "logged_out"
    assert not (tmp_path / "globus" / "pending.json").exists()


async def test_a_login_that_was_begun_survives_a_restart_of_jupyter(logins, globus_auth):
    before = await logins()
    code = await asyncio.to_thread(globus_auth.visit, (await before.begin()).url)
    await before.close()
    after = await logins()
    assert after.state.state == "pending"
    assert (await after.finish(code)).state == "logged_in"


async def test_nothing_is_asked_of_who_is_logged_in_unless_it_is_forced(logged_in, globus_auth):
    refused = await refusal(logged_in.begin())
    assert (refused.status, refused.code) == (409, "already_logged_in")
    assert (await log_in(logged_in, globus_auth, force=True)).state == "logged_in"


async def test_another_identity_is_refused_with_the_one_that_is_needed(logged_in, globus_auth):
    globus_auth.person = Person("eve@elsewhere.example")
    begun = await logged_in.begin(force=True)
    refused = await refusal(logged_in.finish(await asyncio.to_thread(globus_auth.visit, begun.url)))
    assert refused.code == "wrong_identity"
    assert "belongs to ada@lab.example" in refused.message
    assert logged_in.state.username == "ada@lab.example"
    await logged_in.logout()
    assert (await log_in(logged_in, globus_auth)).username == "eve@elsewhere.example"


async def test_logging_out_revokes_and_removes(logged_in, globus_auth, tmp_path):
    token = await logged_in.tokens.token(COMPUTE)
    state, revoked = await logged_in.logout()
    assert (state.state, revoked) == ("logged_out", True)
    assert globus_auth.tokens == {}
    assert token not in (tmp_path / "globus" / "tokens.json").read_text()
    assert (await refusal(logged_in.tokens.token(COMPUTE))).status == 401


async def test_logging_out_without_globus_still_removes_and_says_so(logged_in, globus_auth, monkeypatch):
    monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_AUTH", "http://127.0.0.1:9/")
    state, revoked = await logged_in.logout()
    assert (state.state, revoked) == ("logged_out", False)


async def test_the_file_is_private_and_a_restart_finds_the_login_in_it(
    logged_in, logins, globus_auth, tmp_path
):
    file = tmp_path / "globus" / "tokens.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    await logged_in.close()
    again = await logins()
    assert again.state.username == "ada@lab.example"
    assert compute_token(globus_auth, await again.tokens.token(COMPUTE)) == "ada@lab.example"
    assert globus_auth.grants() == ["authorization_code"]


async def test_a_demand_is_told_and_met_by_the_next_login(logged_in, globus_auth):
    import globus_sdk

    globus_auth.demands[AUTH] = demand("Session too old.", session_required_policies=["p1"])
    client = globus_sdk.AuthClient(authorizer=logged_in.tokens.authorizer(AUTH))

    def ask():
        try:
            return client.userinfo()
        except globus_sdk.GlobusAPIError as error:
            return logged_in.tokens.demanded(error, COMPUTE)

    told = await asyncio.to_thread(ask)
    assert told.sentence.startswith("The rules of Globus Compute ask you to prove again who you are")
    await eventually(lambda: logged_in.state.state != "logged_in")
    assert (logged_in.state.state, logged_in.state.sentence) == ("demand", told.sentence)
    begun = await logged_in.begin()
    assert {"session_required_policies=p1", "prompt=login"} <= set(urlsplit(begun.url).query.split("&"))
    done = await logged_in.finish(await asyncio.to_thread(globus_auth.visit, begun.url))
    assert done.state == "logged_in"
    assert (await asyncio.to_thread(ask))["preferred_username"] == "ada@lab.example"


async def test_the_site_s_rules_go_into_every_login(logins, globus_auth):
    login = await logins(session_required_domain=["anl.gov"], session_required_mfa=True)
    query = parse_qs(urlsplit((await login.begin()).url).query)
    assert query["session_required_single_domain"] == ["anl.gov"]
    assert query["session_required_mfa"] == ["True"]


async def test_the_loop_goes_on_while_globus_is_slow(logins, globus_auth):
    import globus_sdk  # noqa: F401  # the first import of it holds the interpreter, in whichever thread

    login = await logins()
    globus_auth.slow = 1.0
    async with heartbeat(globus_auth):
        begun = await login.begin()
        code = await asyncio.to_thread(globus_auth.visit, begun.url)
        finishing = asyncio.create_task(login.finish(code))
        await eventually(lambda: globus_auth.grants("authorization_code"))
        assert (await login.look()).state == "logged_out"
        assert (await finishing).state == "logged_in"
