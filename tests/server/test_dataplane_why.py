"""Every request's route can be asked for, in words and in figures."""

import pytest
from first_jupyter_server.dataplane import decisions
from first_jupyter_server.federation.decision import Decision, Why

from .conftest import CHAT, KEY, MODEL, json_answer

ROUTE = "/v1/chat/completions"


@pytest.fixture
async def replica(plane, replica_server):
    serving = await replica_server(json_answer())
    plane.places(here=[serving], there={"reason": "it starts with the first request"})
    return serving


async def test_the_last_request_tells_its_route(plane, client, replica):
    asked = await client.post(ROUTE, json=CHAT)
    why = (await client.get("/api/why")).json()
    name = f"r{replica.port}"
    assert why.pop("at") > 0
    assert why == {
        "request": asked.headers["x-request-id"],
        "model": MODEL,
        "sentence": f"{MODEL} on here ({name}) answers in about 0.3 s, the soonest.",
        "chosen": {"cluster": "here", "replica": name, "path": "direct"},
        "candidates": [
            {"cluster": "here", "replica": name, "state": "hot", "seconds": 0.3, "out": ""},
            {"cluster": "there", "replica": None, "state": "cold", "seconds": 20.3, "out": ""},
        ],
    }


async def test_a_notebook_is_told_of_its_own_last_request(client, replica):
    for name, key in (("mine", f"{KEY}.n1"), ("other", f"{KEY}.n2")):
        headers = {"x-request-id": name, "authorization": f"Bearer {key}"}
        await client.post(ROUTE, json=CHAT, headers=headers)
    mine = await client.get("/api/why", headers={"authorization": f"Bearer {KEY}.n1"})
    last = await client.get("/api/why")
    assert (mine.json()["request"], last.json()["request"]) == ("mine", "other")


async def test_an_earlier_request_is_asked_for_by_its_id(client, replica):
    for name in ("one", "two"):
        await client.post(ROUTE, json=CHAT, headers={"x-request-id": name})
    answer = await client.get("/api/why", params={"request": "one"})
    assert answer.json()["request"] == "one"


@pytest.mark.parametrize(
    ("params", "words"), [({}, "No model has been asked yet"), ({"request": "x"}, "Nothing is known of")]
)
async def test_what_is_not_known_is_told(plane, client, params, words):
    plane.catalog()
    answer = await client.get("/api/why", params=params)
    assert answer.status_code == 404
    assert words in answer.json()["error"]["message"]


async def test_a_refusal_has_its_reasons_too(client, replica):
    await client.post(ROUTE, json=CHAT, headers={"x-first-stay": ""})
    why = (await client.get("/api/why")).json()
    assert why["chosen"] is None
    assert {row["out"] for row in why["candidates"]} == {"the data stays at no cluster at all"}


async def test_there_is_nothing_to_post(client, replica):
    assert (await client.post("/api/why", json={})).status_code == 405


def test_the_oldest_are_forgotten(monkeypatch):
    monkeypatch.setattr(decisions, "KEPT", 2)
    kept = decisions.Decisions()
    for name in ("one", "two", "two", "three"):
        kept.keep(name, "", 0.0, Decision(MODEL, None, None, (), Why.NOWHERE))
    assert kept.tell("two", "")["request"] == "two"
    with pytest.raises(decisions.ApiError):
        kept.tell("one", "")
