"""No token in a log line, a repr, an event, a traceback or a crash report of this process."""

import asyncio
import json
import logging
import traceback

import pytest
from auth import COMPUTE
from first_jupyter_server.errors import ApiError
from logins import log_in, secrets_in


async def test_no_token_in_any_log_line_however_much_is_logged(logins, globus_auth, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    globus_auth.lifetime = 1
    login = await logins()
    await log_in(login, globus_auth)
    globus_auth.expire_access()
    await login.tokens.token(COMPUTE)
    await asyncio.to_thread(login.tokens.authorizer(COMPUTE).get_authorization_header)
    globus_auth.fail = 503
    globus_auth.expire_access()
    with pytest.raises(ApiError):
        await login.tokens.token(COMPUTE, rejected="x")
    globus_auth.fail = None
    await login.logout()
    assert len(globus_auth.issued) > 5
    assert "globus_sdk" in {record.name.partition(".")[0] for record in caplog.records}
    shown = "".join(capfd.readouterr())
    assert secrets_in(caplog.text + shown, globus_auth) == []


async def test_no_token_in_what_things_say_of_themselves(logged_in, globus_auth):
    authorizer = logged_in.tokens.authorizer(COMPUTE)
    await asyncio.to_thread(authorizer.get_authorization_header)
    begun = await logged_in.begin(force=True)
    things = [
        logged_in,
        logged_in.state,
        logged_in.tokens,
        logged_in._accounts,
        logged_in._file,
        logged_in._thread,
        authorizer,
        begun,
        [said.event() for said in logged_in.said],
        logged_in.state.public() | {"pending": None},
    ]
    text = repr(things)
    assert secrets_in(text, globus_auth) == []
    assert begun.state not in text
    assert begun.verifier not in text
    assert begun.verifier not in json.dumps(logged_in.state.public())


@pytest.mark.parametrize("fault", ["forgotten", "out of service", "wrong code"])
async def test_no_token_in_a_crash_report_even_with_local_variables(logged_in, globus_auth, fault):
    globus_auth.expire_access()
    token = await logged_in.tokens.token(COMPUTE)
    if fault == "forgotten":
        globus_auth.revoke_consents()
    elif fault == "out of service":
        globus_auth.fail = 503
    if fault == "wrong code":
        await logged_in.begin(force=True)
        asked = logged_in.finish("another")
    else:
        asked = logged_in.tokens.token(COMPUTE, rejected=token)
    with pytest.raises(ApiError) as caught:
        await asked
    ours = [
        frame
        for frame in traceback.walk_tb(caught.value.__traceback__)
        if "/tests/" not in frame[0].f_code.co_filename
    ]
    report = traceback.StackSummary.extract(iter(ours), capture_locals=True)
    known = secrets_in("".join(report.format()), globus_auth)
    # The caller told us which token was rejected; nothing else may be there.
    assert set(known) <= {token}
    assert secrets_in(str(caught.value), globus_auth) == []
