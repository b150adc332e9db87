"""Logging in as a service account, which needs no person."""

import pytest
from auth import COMPUTE
from first_jupyter_server.auth.service_account import ServiceAccount, take
from logins import compute_token, refusal


async def test_a_service_account_needs_no_person_and_keeps_nothing_on_disk(logins, globus_auth, tmp_path):
    environ = {"FIRST_GLOBUS_CLIENT_ID": "c1", "FIRST_GLOBUS_CLIENT_SECRET": "s1"}
    account = take(environ)
    assert environ == {"FIRST_GLOBUS_CLIENT_ID": "c1"}
    globus_auth.confidential["c1"] = {"secret": "s1", "redirects": set()}
    login = await logins(account=account)
    assert (login.state.state, login.state.service_account) == ("logged_in", True)
    token = await login.tokens.token(COMPUTE)
    assert compute_token(globus_auth, token) == "c1@clients.auth.globus.org"
    assert await login.tokens.token(COMPUTE) == token
    assert await login.tokens.token(COMPUTE, rejected=token) != token
    assert globus_auth.grants() == ["client_credentials"] * 2
    for refused in (login.begin(), login.logout()):
        assert (await refusal(refused)).code == "service_account"
    assert not list(tmp_path.glob("globus/tokens.json"))


async def test_a_wrong_secret_is_an_administrator_s_business(logins, globus_auth):
    login = await logins(account=ServiceAccount("c1", "wrong", "GLOBUS_COMPUTE_CLIENT_ID"))
    refused = await refusal(login.tokens.token(COMPUTE))
    assert refused.code == "service_account_refused"
    assert "GLOBUS_COMPUTE_CLIENT_ID" in refused.message


@pytest.mark.parametrize(
    ("environ", "client_id"),
    [
        ({}, None),
        ({"FIRST_GLOBUS_CLIENT_ID": "a"}, None),
        ({"GLOBUS_COMPUTE_CLIENT_SECRET": "s"}, None),
        ({"GLOBUS_COMPUTE_CLIENT_ID": "b", "GLOBUS_COMPUTE_CLIENT_SECRET": "s"}, "b"),
        (
            {
                "FIRST_GLOBUS_CLIENT_ID": "a",
                "FIRST_GLOBUS_CLIENT_SECRET": "s",
                "GLOBUS_COMPUTE_CLIENT_ID": "b",
                "GLOBUS_COMPUTE_CLIENT_SECRET": "s",
            },
            "a",
        ),
    ],
)
def test_a_pair_in_the_environment_is_a_service_account_and_half_of_one_is_none(environ, client_id):
    account = take(environ)
    assert (account.client_id if account else None) == client_id
