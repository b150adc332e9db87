"""Logins that other tools left: offered, and used only when somebody asks."""

import json

import pytest
from auth import COMPUTE
from logins import compute_token, refusal

COMPUTE_ALL = "https://auth.globus.org/scopes/facd7ccc-c5f4-42aa-916b-a0e270e2c2a9/all"


def leave_tokens(home, standin, scopes):
    """Leave a login as alcf-tokens does."""
    client = "7f3e61f5-e0de-4e8f-9150-0a62c65dda63"
    answer = standin.issue(standin.person, client, scopes, refresh=True)
    entries = {}
    for token in (answer, *answer["other_tokens"]):
        entry = {key: token[key] for key in ("scope", "access_token", "refresh_token", "resource_server")}
        entry |= {"expires_at_seconds": 1, "identity_id": standin.person.sub, "token_type": "Bearer"}
        entries[token["resource_server"]] = entry
    file = home / ".globus" / "app" / client / "alcf_tokens" / "tokens.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"data": {"DEFAULT": entries}, "format_version": "1.0"}))
    return file


async def test_a_login_of_another_tool_is_offered_and_used_only_when_asked(logins, globus_auth, tmp_path):
    file = leave_tokens(tmp_path, globus_auth, ["openid", "profile", COMPUTE_ALL])
    before = file.read_text()
    login = await logins()
    assert login.state.state == "logged_out"
    assert [offer["tool"] for offer in login.offers] == ["alcf-tokens"]
    assert globus_auth.calls == []
    done = await login.adopt("alcf-tokens")
    assert (done.state, done.username) == ("logged_in", "ada@lab.example")
    assert compute_token(globus_auth, await login.tokens.token(COMPUTE)) == "ada@lab.example"
    assert login.offers == []
    await login.logout()
    assert file.read_text() == before
    assert any(token.kind == "refresh" for token in globus_auth.tokens.values()), "it belongs to the tool"


@pytest.mark.parametrize("scopes", [["openid"], ["openid", "https://auth.globus.org/scopes/other/all"]])
async def test_tokens_that_are_of_no_use_here_are_not_offered(logins, globus_auth, tmp_path, scopes):
    leave_tokens(tmp_path, globus_auth, scopes)
    login = await logins()
    assert login.offers == []
    assert (await refusal(login.adopt("alcf-tokens"))).code == "nothing_found"


async def test_a_dead_login_of_another_tool_is_not_kept(logins, globus_auth, tmp_path):
    leave_tokens(tmp_path, globus_auth, [COMPUTE_ALL])
    globus_auth.revoke_consents()
    login = await logins()
    assert "alcf-tokens has ended" in (await refusal(login.adopt("alcf-tokens"))).message
    assert login.state.state == "logged_out"
