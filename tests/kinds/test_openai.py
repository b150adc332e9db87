"""The kind openai, on a real llama.cpp server: what it lists can be used, what is wrong is told."""

from dataclasses import replace

import pytest
from llama import KEY, SMOLLM2
from openai import APIStatusError
from ports import free_port
from ways import PlainServer

pytestmark = pytest.mark.model


def campus(server, **more):
    return {"kind": "openai", "url": server.url, "key_env": "CAMPUS_KEY", **more}


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("CAMPUS_KEY", KEY)


async def test_all_that_a_server_lists_can_be_used(federated, llama):
    lab = await federated(campus=campus(llama))
    place = await lab.until_state(SMOLLM2, "campus", "hot")
    assert (place.context, place.abilities) == (2048, ("chat", "completions"))
    answer = await lab.client.chat.completions.with_raw_response.create(
        model=SMOLLM2, messages=[{"role": "user", "content": "Say hello."}], max_tokens=4
    )
    assert answer.headers["x-first-cluster"] == "campus"
    assert answer.parse().choices[0].message.content


async def test_a_stream_ends_as_streams_do(federated, llama):
    lab = await federated(campus=campus(llama))
    await lab.until_state(SMOLLM2, "campus", "hot")
    stream = await lab.ask(SMOLLM2, stream=True)
    assert [chunk async for chunk in stream][-1].choices[0].finish_reason == "length"


async def test_a_model_goes_by_the_federations_name_and_the_server_hears_its_own(federated, llama):
    model = {
        "id": "lab/small",
        "name": SMOLLM2,
        "aliases": ["small"],
        "context": 512,
        "abilities": ["chat", "tools"],
    }
    lab = await federated(campus=campus(llama, models=[model], backend="llama.cpp"))
    place = await lab.until_state("lab/small", "campus", "hot")
    assert (place.context, place.abilities, place.backend) == (512, ("chat", "tools"), "llama.cpp")
    assert (await lab.ask("small@campus")).choices[0].message.content


async def test_a_model_that_the_server_does_not_list_is_offline_and_says_what_is(federated, llama):
    lab = await federated(campus=campus(llama, models=[{"id": "lab/large"}]))
    place = await lab.until_state("lab/large", "campus", "offline")
    assert place.reason == f"the server does not list lab/large now; it lists: {SMOLLM2}"


async def test_a_key_may_lie_in_a_file(federated, llama, tmp_path, caplog):
    file = tmp_path / "campus.key"
    file.write_text(f"{KEY}\n")
    file.chmod(0o600)
    lab = await federated(campus=campus(llama, key_env=None, key_file=str(file)))
    await lab.until_state(SMOLLM2, "campus", "hot")
    assert KEY not in caplog.text
    assert "chmod" not in caplog.text


async def test_a_key_file_that_others_can_read_is_warned_of_once(
    federated, llama, tmp_path, caplog, quick_looks
):
    file = tmp_path / "campus.key"
    file.write_text(KEY)
    file.chmod(0o644)
    lab = await federated(campus=campus(llama, key_env=None, key_file=str(file)))
    await lab.until_state(SMOLLM2, "campus", "hot")
    assert caplog.text.count(f"chmod 600 {file}") == 1


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (
            "",
            "the environment variable CAMPUS_KEY, which is to hold the key, is not set; set it",
        ),
        (
            "wrong",
            "127.0.0.1 does not take the key in CAMPUS_KEY; put another into CAMPUS_KEY and restart Jupyter",
        ),
        ("two words", "CAMPUS_KEY holds something that cannot be a key"),
    ],
)
async def test_a_key_that_is_missing_or_wrong_is_named(federated, llama, monkeypatch, key, reason):
    monkeypatch.setenv("CAMPUS_KEY", key)
    lab = await federated(campus=campus(llama, models=[{"id": SMOLLM2}]))
    place = await lab.until_state(SMOLLM2, "campus", "offline")
    assert place.reason.startswith(reason)


async def test_a_server_that_is_not_there_fails_a_request_with_the_reason(federated, llama, quick_looks):
    section = {"kind": "openai", "url": f"http://127.0.0.1:{free_port()}/v1", "models": [{"id": SMOLLM2}]}
    lab = await federated(campus=section)
    await lab.until_state(SMOLLM2, "campus", "offline")
    with pytest.raises(APIStatusError, match="takes no connections: nothing serves there now") as failed:
        await lab.ask(SMOLLM2)
    assert failed.value.status_code == 503


async def test_a_server_that_hangs_is_offline_while_another_serves(
    federated, llama, own_llama, quick_looks, monkeypatch
):
    monkeypatch.setattr("first_jupyter_server.clusters.openai.WITHIN", 0.5)
    second = own_llama()
    lab = await federated(campus=campus(llama), other=campus(second))
    await lab.until_state(SMOLLM2, "other", "hot")
    second.hang()
    lab.federation.unreachable("other/any", "the test says so")
    place = await lab.until_state(SMOLLM2, "other", "offline")
    assert "does not answer within 0.5 s; what is known is of " in place.reason
    assert place.seen is not None
    assert (await lab.ask(SMOLLM2)).choices[0].message.content
    second.go_on()
    lab.federation.unreachable("other/any", "the test says so")
    place = await lab.until_state(SMOLLM2, "other", "hot")
    assert (place.reason, place.seen) == ("", None)


async def test_a_list_that_changes_is_followed(federated, own_llama, quick_looks):
    first = own_llama("lab/first")
    lab = await federated(campus=campus(first))
    await lab.until_state("lab/first", "campus", "hot")
    first.end()
    own_llama("lab/second", first.port)
    lab.federation.unreachable("campus/any", "the test says so")
    await lab.until_state("lab/second", "campus", "hot")
    assert lab.states == {("lab/second", "campus"): "hot"}


async def test_a_model_that_is_not_ours_to_stop_is_not_stopped(federated, llama):
    lab = await federated(campus=campus(llama))
    place = (await lab.until_state(SMOLLM2, "campus", "hot")).public()
    assert (place["startable"], place["unstoppable"][:28]) == (False, "whoever runs the server deci")
    with pytest.raises(Exception, match="campus: whoever runs the server decides") as refused:
        lab.federation.stop(SMOLLM2)
    assert refused.value.status == 409


async def test_what_a_server_listed_is_known_after_a_restart_while_it_is_gone(federated, own_llama, tmp_path):
    server = own_llama("lab/small")
    lab = await federated(campus=campus(server))
    await lab.until_state("lab/small", "campus", "hot")
    server.end()
    lab = await federated(campus=campus(server), data=lab.data)
    place = await lab.until(
        lambda: (at := lab.places.get(("lab/small", "campus"))) and "takes no" in at.reason and at
    )
    assert (place.state.value, place.seen is not None) == ("offline", True)


async def test_a_key_that_is_refused_between_two_looks_is_told_as_the_settings_fault(
    federated, llama, monkeypatch
):
    lab = await federated(campus=campus(llama))
    place = await lab.until_state(SMOLLM2, "campus", "hot")
    replica = replace(place.replicas[0], key="revoked")
    catalog = lab.plane.catalog
    models = tuple(replace(m, places=(replace(m.places[0], replicas=(replica,)),)) for m in catalog.models)
    lab.plane.receive({"type": "catalog", "catalog": replace(catalog, models=models).to_json()})
    with pytest.raises(APIStatusError, match="does not take the key that this server has for it") as refused:
        await lab.ask(SMOLLM2)
    assert (refused.value.status_code, refused.value.code) == (502, "key_refused")


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (404, b"", "there is no {}/models (status 404): correct the url, or name the models"),
        (200, b"<html>", "what {}/models answers is no list of models: correct the url"),
        (500, b"", "{}/models answers with status 500"),
        (429, b"", "{}/models answers with status 429"),
        (401, b"", "127.0.0.1 wants a key: name its key_env or key_file (status 401)"),
    ],
)
async def test_what_is_no_list_of_models_is_told(federated, status, body, reason):
    async with PlainServer(status, body) as server:
        lab = await federated(campus={"kind": "openai", "url": server.url})
        (campus,) = lab.federation.clusters
        await lab.until(lambda: campus.status.state == "offline")
    assert campus.status.reason == reason.format(server.url)


async def test_a_server_that_lists_nothing_serves_the_models_that_are_named(federated):
    async with PlainServer(404) as server:
        lab = await federated(campus={"kind": "openai", "url": server.url, "models": [{"id": "lab/small"}]})
        await lab.until_state("lab/small", "campus", "hot")


@pytest.mark.parametrize("status", [400, 500])
async def test_a_refusal_comes_through_as_the_server_words_it(federated, status):
    async with PlainServer(404) as server:
        lab = await federated(campus={"kind": "openai", "url": server.url, "models": [{"id": "lab/small"}]})
        await lab.until_state("lab/small", "campus", "hot")
        server.status, server.body = status, b'{"error": {"message": "In my own words", "type": "x"}}'
        with pytest.raises(APIStatusError) as refused:
            await lab.ask("lab/small")
    assert (refused.value.status_code, refused.value.body) == (
        status,
        {"message": "In my own words", "type": "x"},
    )


async def test_a_model_that_a_server_knows_no_more_is_asked_for_elsewhere(federated, llama):
    async with PlainServer(404) as server:
        model = {"id": "lab/small", "name": SMOLLM2}
        gone = {"kind": "openai", "url": server.url, "models": [{"id": "lab/small"}]}
        lab = await federated(gone=gone, campus=campus(llama, models=[model]))
        await lab.until_state("lab/small", "gone", "hot")
        await lab.until_state("lab/small", "campus", "hot")
        server.body = b'{"error": {"message": "The model `lab/small` does not exist."}}'
        first = {"x-first-prefer": "gone"}
        assert (await lab.ask("lab/small", extra_headers=first)).choices[0].message.content
        with pytest.raises(
            APIStatusError, match=r"gone says: The model `lab/small` does not exist\."
        ) as refused:
            await lab.ask("lab/small@gone")
    assert refused.value.status_code == 404
