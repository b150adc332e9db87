"""The kind first-gateway, on a stand-in at the protocol's edge and a real server behind it."""

import json

import openai
import pytest
from first_jupyter_server.auth import scopes
from first_jupyter_server.clusters import kinds
from first_jupyter_server.config import GatewaySection
from first_jupyter_server.dialects import first_gateway
from gateway import ID, OLD_SESSION, PER_SECOND, section_for
from logins import log_in

pytestmark = [pytest.mark.model, pytest.mark.usefixtures("quick_looks")]

GPT = "openai/gpt-oss-120b"
OTHER = "lab/other"


@pytest.fixture
async def argonne(federated, gateway, login):
    """The gateway's clusters as parts of a federation."""
    return await federated(tokens=login.tokens, argonne=section_for(gateway))


async def test_each_of_its_clusters_is_one_of_the_federations(argonne):
    await argonne.until(lambda: len(argonne.states) == 4)
    assert argonne.states == {
        (GPT, "argonne-sophia"): "cold",
        (GPT, "argonne-metis"): "cold",
        (OTHER, "argonne-sophia"): "cold",
        ("lab/vectors", "argonne-sophia"): "cold",
    }


async def test_a_gateway_of_which_one_cluster_is_used_lends_it_its_name(federated, gateway, login):
    lab = await federated(tokens=login.tokens, argonne=section_for(gateway, clusters=["metis"]))
    await lab.until_state("gpt-oss-120b", "argonne", "cold")


async def test_a_model_with_two_names_is_one_and_is_asked_for_by_the_right_one(argonne, gateway):
    gateway.runs("metis", "gpt-oss-120b")
    await argonne.until_state(GPT, "argonne-metis", "hot")
    answer = await argonne.ask("gpt-oss-120b")
    assert answer.choices[0].message.content
    path, body = next(asked for asked in reversed(gateway.asked) if asked[1])
    assert (path, json.loads(body)["model"]) == ("/metis/api/v1/chat/completions", "gpt-oss-120b")


async def test_a_stream_comes_through(argonne, gateway):
    gateway.runs("sophia", GPT)
    await argonne.until_state(GPT, "argonne-sophia", "hot")
    stream = await argonne.ask(GPT, stream=True)
    assert [chunk async for chunk in stream][-1].choices[0].finish_reason == "length"


async def test_what_its_models_can_do_is_told_as_far_as_it_tells(federated, gateway, login):
    gateway.details[GPT] = {
        "capabilities": {
            "context_window_tokens": 131_072,
            "input_modalities": ["text"],
            "tool_calling": {"supported": True},
        }
    }
    lab = await federated(tokens=login.tokens, argonne=section_for(gateway))
    place = await lab.until(lambda: (at := lab.places.get((GPT, "argonne-sophia"))) and at.context and at)
    assert (place.context, place.backend) == (131_072, "vllm")
    assert place.abilities == ("chat", "completions", "tools", "json_schema")
    assert lab.places["lab/vectors", "argonne-sophia"].abilities == ("embeddings",)


@pytest.mark.parametrize(
    ("status", "words", "state", "reason"),
    [
        ("starting", {}, "starting", "its node loads it (job 4711.sophia)"),
        (
            "queued",
            {"Estimated Start Time": "Fri Jan 01 12:00:00 2100 (Chicago time)", "Job Comments": "busy"},
            "queued",
            "waiting for a node: job 4711.sophia waits in the queue (busy), expected to start at ",
        ),
        ("disconnected", {}, "offline", "the gateway has lost the node that serves it"),
        ("stopped", {}, "cold", "the gateway starts it with the first request"),
    ],
)
async def test_what_a_job_does_is_the_models_state(argonne, gateway, status, words, state, reason):
    gateway.runs("sophia", GPT, status, **words)
    place = await argonne.until(
        lambda: (at := argonne.places.get((GPT, "argonne-sophia"))) and at.reason.startswith(reason) and at
    )
    assert (place.state.value, place.replicas) == (state, ())


async def test_a_cold_model_is_started_by_the_first_request_which_waits_for_it(argonne, gateway):
    await argonne.until_state(OTHER, "argonne-sophia", "cold")
    asking = argonne.background(argonne.ask(OTHER))
    place = await argonne.until_state(OTHER, "argonne-sophia", "queued")
    assert "Not Running: no node is free" in place.reason
    assert [(step.stage, step.state) for step in place.stages] == [("queued", "now"), ("loading", "ahead")]
    gateway.runs("sophia", OTHER, "starting")
    place = await argonne.until_state(OTHER, "argonne-sophia", "starting")
    assert [(step.stage, step.state) for step in place.stages] == [("queued", "done"), ("loading", "now")]
    assert place.stages[0].seconds > 0
    gateway.runs("sophia", OTHER)
    assert (await asking).choices[0].message.content


async def test_a_gateway_that_does_not_tell_what_runs_is_found_out_by_asking(argonne, gateway):
    gateway.runs("sophia", GPT)
    gateway.tells = False
    place = await argonne.until_state(GPT, "argonne-sophia", "cold")
    assert "the gateway does not tell what runs" in place.reason
    assert (await argonne.ask(f"{GPT}@argonne-sophia")).choices[0].message.content
    assert argonne.states[GPT, "argonne-sophia"] == "hot"


async def test_a_cluster_under_maintenance_is_offline_and_says_so(argonne, gateway):
    gateway.maintenance["sophia"] = "Sophia is back on Tuesday."
    await argonne.until_state(OTHER, "argonne-sophia", "cold")
    with pytest.raises(Exception, match="under maintenance: Sophia is back on Tuesday") as failed:
        await argonne.ask(OTHER)
    assert failed.value.status_code == 503
    assert argonne.states[OTHER, "argonne-sophia"] == "offline"


async def test_its_jobs_are_asked_for_no_more_often_than_it_keeps_them(
    federated, gateway, login, monkeypatch
):
    monkeypatch.setattr("first_jupyter_server.clusters.first_gateway.CACHED", 60.0)
    lab = await federated(tokens=login.tokens, argonne=section_for(gateway))
    await lab.until_state(GPT, "argonne-sophia", "cold")
    for _ in range(3):
        lab.federation.unreachable("argonne-sophia/openai-gpt-oss-120b", "the test says so")
        await lab.until(lambda: lab.states[GPT, "argonne-sophia"] != "cold")
    assert gateway.count("/sophia/jobs") == 1
    assert gateway.count("/health") == 0


async def test_its_limit_of_requests_is_kept(federated, gateway, login, monkeypatch):
    monkeypatch.undo()
    gateway.per_second = PER_SECOND
    lab = await federated(tokens=login.tokens, argonne=section_for(gateway))
    await lab.until_state(GPT, "argonne-sophia", "cold")
    assert gateway.refused_as_too_often == 0


async def test_without_a_login_its_clusters_are_offline_until_there_is_one(
    federated, gateway, logins, globus_auth, monkeypatch
):
    monkeypatch.setattr("first_jupyter_server.clusters.gateway.LOGIN_EVERY", 0.05)
    sections = {"argonne": GatewaySection.model_validate(section_for(gateway))}
    login = await logins(wanted=scopes.wanted([], kinds.services(sections)))
    lab = await federated(tokens=login.tokens, argonne=section_for(gateway))
    sophia = next(each for each in lab.federation.clusters if each.name == "argonne-sophia")
    await lab.until(lambda: sophia.status.state == "offline")
    assert sophia.status.reason == "Argonne's gateway needs a login with Globus: log in, then try again"
    await log_in(login, globus_auth)
    await lab.until_state(GPT, "argonne-sophia", "cold")


async def test_a_session_that_is_too_old_becomes_a_demand_of_the_login(argonne, gateway, login, globus_auth):
    await argonne.until_state(GPT, "argonne-sophia", "cold")
    for token in globus_auth.tokens.values():
        token.session = {}
    gateway.demands_policy = True
    place = await argonne.until_state(GPT, "argonne-sophia", "offline")
    assert "log in again" in place.reason.lower()
    assert "inference_auth_token" not in place.reason
    state = await login.look()
    assert state.state == "demand"
    assert state.sentence.startswith("The rules of Argonne's gateway ask you to prove again who you are")
    await log_in(login, globus_auth)
    await argonne.until_state(GPT, "argonne-sophia", "cold")


async def test_who_is_not_in_its_group_is_told_whom_to_ask(argonne, gateway, login):
    await argonne.until_state(GPT, "argonne-sophia", "cold")
    gateway.not_in_group = True
    place = await argonne.until_state(GPT, "argonne-sophia", "offline")
    assert "User is not a member of an allowed Globus Group; ask whoever runs the gateway" in place.reason
    assert (await login.look()).state == "logged_in"


async def test_a_token_that_is_refused_is_replaced_by_a_new_one(argonne, gateway, globus_auth):
    gateway.runs("sophia", GPT)
    before = (await argonne.until_state(GPT, "argonne-sophia", "hot")).replicas[0].key
    globus_auth.expire_access(ID)
    assert globus_auth.whoami(await key_after(before, argonne), ID)


async def test_a_token_is_replaced_before_it_ends(federated, gateway, login, globus_auth, monkeypatch):
    monkeypatch.setattr("first_jupyter_server.clusters.gateway.TOKEN_EVERY", 0.05)
    globus_auth.lifetime = 61  # it counts as old a minute before its end
    await log_in(login, globus_auth, force=True)
    gateway.runs("sophia", GPT)
    lab = await federated(tokens=login.tokens, argonne=section_for(gateway))
    before = (await lab.until_state(GPT, "argonne-sophia", "hot")).replicas[0].key
    assert globus_auth.whoami(await key_after(before, lab), ID)


async def key_after(before, lab):
    """Return the next key of a replica."""
    place = (GPT, "argonne-sophia")
    return await lab.until(lambda: (at := lab.places[place].replicas) and at[0].key != before and at[0].key)


async def test_a_gateway_that_is_gone_keeps_its_last_list_with_its_age(argonne, gateway):
    gateway.runs("sophia", GPT)
    await argonne.until_state(GPT, "argonne-sophia", "hot")
    gateway.broken = 502, b"<html>Bad Gateway</html>"
    place = await argonne.until_state(GPT, "argonne-sophia", "offline")
    assert place.seen is not None
    assert "status 502" in place.reason
    gateway.broken = None
    place = await argonne.until_state(GPT, "argonne-sophia", "hot")
    assert (place.reason, place.seen) == ("", None)


async def test_no_token_is_in_any_log(argonne, gateway, globus_auth, caplog):
    gateway.runs("sophia", GPT)
    await argonne.until_state(GPT, "argonne-sophia", "hot")
    await argonne.ask(GPT)
    assert [token for token in globus_auth.issued if token in caplog.text] == []


async def test_a_model_of_a_gateway_cannot_be_stopped_from_here(argonne):
    await argonne.until_state(GPT, "argonne-sophia", "cold")
    with pytest.raises(Exception, match="the gateway decides how long its models stay"):
        argonne.federation.stop(GPT)


def test_how_to_log_in_is_said_in_our_way():
    body = json.dumps({"error": {"code": "unauthorized", "message": OLD_SESSION, "info": {}}}).encode()
    no = first_gateway.no(401, body, "argonne-sophia")
    assert no.error.message == (
        "The gateway of argonne-sophia says: Permission denied from internal policies. This is likely due to "
        "a high-assurance timeout. Log in again: %first login."
    )


# what its refusals become


async def test_a_model_that_was_unloaded_meanwhile_is_waited_for(argonne, gateway):
    gateway.runs("sophia", OTHER)
    await argonne.until_state(OTHER, "argonne-sophia", "hot")
    gateway.cached = 3600.0
    gateway.runs("sophia", OTHER, "stopped")
    asking = argonne.background(argonne.ask(OTHER))
    await argonne.until(lambda: argonne.states[OTHER, "argonne-sophia"] != "hot")
    gateway.runs("sophia", OTHER)
    gateway.cached = 0.0
    assert (await asking).choices[0].message.content


async def test_a_cluster_that_fails_is_left_for_another(argonne, gateway):
    for cluster, name in (("sophia", GPT), ("metis", "gpt-oss-120b")):
        gateway.runs(cluster, name)
        await argonne.until_state(GPT, f"argonne-{cluster}", "hot")
    gateway.maintenance["sophia"] = "Sophia is back on Tuesday."
    answer = await argonne.ask(GPT, extra_headers={"x-first-prefer": "argonne-sophia"})
    assert answer.choices[0].message.content
    place = await argonne.until_state(GPT, "argonne-sophia", "offline")
    assert place.reason.startswith("under maintenance: Sophia is back on Tuesday")


async def test_a_stream_in_which_it_gives_up_is_an_error_and_no_empty_answer(argonne, gateway):
    gateway.runs("sophia", OTHER)
    await argonne.until_state(OTHER, "argonne-sophia", "hot")
    gateway.streams_stall = True
    with pytest.raises(openai.APIError, match="No data received from compute endpoint"):
        async for _ in await argonne.ask(OTHER, stream=True):
            pass


async def test_a_stream_that_it_cuts_silently_goes_on(argonne, gateway):
    gateway.runs("sophia", OTHER)
    await argonne.until_state(OTHER, "argonne-sophia", "hot")
    gateway.cuts_streams = True
    chunks = [chunk async for chunk in await argonne.ask(OTHER, stream=True, max_tokens=2)]
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "length"
    asked = [json.loads(body) for path, body in gateway.asked if path.endswith("/chat/completions")]
    assert sum(body.get("stream", False) for body in asked) > 1


async def test_a_route_that_it_does_not_have_is_told_in_openais_words(argonne, gateway):
    gateway.runs("sophia", OTHER)
    await argonne.until_state(OTHER, "argonne-sophia", "hot")
    with pytest.raises(openai.BadRequestError) as refused:
        await argonne.client.responses.create(model=OTHER, input="Say hello.")
    assert refused.value.code == "unsupported_endpoint"
    assert refused.value.body["message"] == (
        "The gateway of argonne-sophia says: 'responses' not available on cluster 'sophia'."
    )


async def test_tokens_that_are_spent_are_told_with_the_time_to_wait(argonne, gateway):
    gateway.runs("sophia", OTHER)
    await argonne.until_state(OTHER, "argonne-sophia", "hot")
    gateway.spent = True
    with pytest.raises(openai.RateLimitError, match="user model usage 60001") as refused:
        await argonne.ask(OTHER)
    assert refused.value.response.headers["retry-after"] == "60"


async def test_a_session_that_ends_between_two_looks_is_told_to_who_asks(
    argonne, gateway, login, globus_auth
):
    gateway.runs("sophia", OTHER)
    await argonne.until_state(OTHER, "argonne-sophia", "hot")
    for token in globus_auth.tokens.values():
        token.session = {}
    gateway.demands_policy = True
    with pytest.raises(openai.AuthenticationError, match="Log in again: %first login") as refused:
        await argonne.ask(OTHER)
    assert refused.value.code == "login_required"
    await argonne.until_state(OTHER, "argonne-sophia", "offline")
    assert (await login.look()).state == "demand"


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ((500, b'{"error": {"code": "internal_error", "message": "E11", "info": {"error_id": "x"}}}'), 502),
        ((502, b"<html>Bad Gateway</html>"), 502),
        ((403, b'{"error": {"code": "access_denied", "message": "Not for you", "info": {}}}'), 403),
        ((404, b'{"error": {"code": "endpoint_not_found", "message": "No such thing", "info": {}}}'), 404),
        ((422, b'{"detail": "max_tokens must be positive"}'), 400),
        ((429, b'{"detail": "Too many requests."}'), 429),
        ((503, b'{"error": {"code": "internal_endpoint_error", "message": "Endpoint x is offline."}}'), 503),
    ],
)
async def test_every_fault_of_it_has_openais_shape(argonne, gateway, broken, code):
    gateway.runs("sophia", OTHER)
    await argonne.until_state(OTHER, "argonne-sophia", "hot")
    gateway.broken = broken
    with pytest.raises(openai.APIStatusError) as refused:
        await argonne.ask(OTHER)
    assert refused.value.status_code == code
    assert {"message", "type", "code", "param"} <= set(refused.value.body)
    assert "<html>" not in refused.value.message
