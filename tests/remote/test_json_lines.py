"""The log of a replica in JSON, as `FIRST_LOG_FORMAT` asks for it, and as people read it all the same."""

from __future__ import annotations

import json

import httpx
import pytest
from first_jupyter_remote import functions, records
from first_jupyter_remote.backends import vllm_server
from first_jupyter_remote.json_lines import REQUEST, form_of
from first_jupyter_remote.log import Log
from first_jupyter_remote.protocol import ReplicaRecord, Stage

ASKED = 'first: "POST /v1/chat/completions HTTP/1.1" of request r-1 took 1.250 s'


@pytest.fixture
def log(tmp_path):
    """Return the log of a replica that runs."""
    records.write(
        tmp_path / "replicas" / "r1.json", ReplicaRecord("r1", "org/model", Stage.READY, key="k" * 9)
    )
    form = form_of({"FIRST_LOG_FORMAT": "json"}, "vllm", model="org/model", replica="r1")
    return Log(tmp_path / "replicas" / "r1.log", secrets=["hf_abcdefgh"], form=form)


def written(log):
    return [json.loads(line) for line in log.path.read_text().splitlines()]


def test_each_line_says_of_which_replica_it_is(log):
    log.add("(EngineCore pid=7) WARNING 11-27 20:00:00 [cache.py:1] nearly full")
    log.add('says "this"')
    first, second = written(log)
    assert (first["logger"], first["level"], first["model"], first["replica"]) == (
        *("vllm", "WARNING", "org/model", "r1"),
    )
    assert first["time"].endswith("Z")
    assert (second["level"], second["message"]) == ("INFO", 'says "this"')


def test_the_line_of_a_request_has_its_id_and_its_time(log):
    log.add(ASKED)
    (line,) = written(log)
    assert (line["request_id"], line["total_s"]) == ("r-1", 1.25)


def test_what_is_secret_is_in_no_line(log):
    log.add("token hf_abcdefgh")
    assert written(log)[0]["message"] == "token ***"


def test_people_are_shown_the_words_alone(tmp_path, log):
    for line in ("loading", ASKED, "ready"):
        log.add(line)
    with log.path.open("a") as file:
        file.write('{"time": "2027-01-15T08:0')
    told = functions.tail(str(tmp_path), "r1")["lines"]
    assert told == ["loading", "ready", '{"time": "2027-01-15T08:0']


def test_without_being_asked_for_lines_are_as_they_came():
    assert form_of({}, "vllm", model="m")("as it came") == "as it came"


@pytest.fixture
async def noted(monkeypatch, capfd):
    """Return a function that asks an app behind our middleware, and returns what was printed."""
    monkeypatch.setenv("VLLM_API_KEY", "secret")

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def ask(key="secret", path="/v1/chat/completions", **headers):
        transport = httpx.ASGITransport(vllm_server.Noting(app))
        headers = {"Authorization": f"Bearer {key}", **headers}
        async with httpx.AsyncClient(transport=transport, base_url="http://vllm", headers=headers) as client:
            assert (await client.post(path)).status_code == 200
        return capfd.readouterr().out

    return ask


async def test_vllm_prints_a_line_for_each_request_that_has_an_id(noted):
    printed = await noted(**{"x-request-id": "r-1"})
    assert REQUEST.match(printed.strip())[1] == "r-1"


async def test_a_request_puts_no_line_of_its_own_into_the_log(noted):
    printed = await noted(path="/v1/a%0Afirst: b", **{"x-request-id": "r" * 200})
    assert printed.count("\n") == 1
    assert "r" * 128 in printed
    assert "r" * 129 not in printed


@pytest.mark.parametrize(("key", "headers"), [("wrong", {"x-request-id": "r-1"}), ("secret", {})])
async def test_of_others_nothing_is_printed(noted, key, headers):
    assert await noted(key, **headers) == ""
