"""What a server says that serves a model reaches the client as an answer, and as nothing else."""

from dataclasses import replace

import pytest
from first_jupyter_remote.protocol import ReplicaRecord, Stage
from first_jupyter_server.clusters.reach import reach

from .conftest import CHAT, json_answer, until

ROUTE = "/v1/chat/completions"


def says(*headers, status=b"200 OK"):
    async def answer(asked, writer):
        writer.write(b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: 2\r\n" % status)
        writer.write(b"".join(b"%b\r\n" % header for header in headers) + b"\r\n{}")
        await writer.drain()

    return answer


@pytest.mark.parametrize(
    "header",
    [
        b"Set-Cookie: _xsrf=theirs; Path=/",
        b"Access-Control-Allow-Origin: *",
        b"Access-Control-Allow-Credentials: true",
        b"Access-Control-Expose-Headers: *",
        b"Location: /first/api/logout",
        b"Refresh: 0; url=https://elsewhere.example",
        b"Clear-Site-Data: *",
        b"Content-Security-Policy: default-src *",
        b"X-Content-Type-Options: whatever",
        b"X-Accel-Redirect: /etc/passwd",
        b"X-Sendfile: /etc/passwd",
        b"Alt-Svc: h3=elsewhere.example",
        b"WWW-Authenticate: Basic realm=Jupyter",
        b"Service-Worker-Allowed: /",
        b"Link: <https://elsewhere.example>; rel=preload",
        b"Strict-Transport-Security: max-age=1",
        b"X-First-Cluster: somebody-else",
        b"X-Request-Id: theirs",
    ],
    ids=lambda header: header.partition(b":")[0].decode(),
)
async def test_a_header_that_tells_a_browser_what_to_do_is_not_passed_on(
    plane, client, replica_server, header
):
    plane.catalog(await replica_server(says(header)))
    answer = await client.post(ROUTE, json=CHAT)
    name, _, value = header.decode().partition(": ")
    assert answer.status_code == 200
    assert value not in answer.headers.get_list(name)
    assert answer.headers["x-first-cluster"] == "desk"


async def test_what_a_client_of_openais_understands_is_passed_on(plane, client, replica_server):
    headers = [b"Retry-After: 7", b"openai-version: 1", b"x-ratelimit-remaining-tokens: 5"]
    plane.catalog(await replica_server(says(*headers, status=b"400 Bad Request")))
    answer = await client.post(ROUTE, json=CHAT)
    told = [
        answer.headers[name] for name in ("retry-after", "openai-version", "x-ratelimit-remaining-tokens")
    ]
    assert told == ["7", "1", "5"]


@pytest.mark.parametrize("kind", ["local", "openai", "first-gateway"])
@pytest.mark.parametrize(
    "status", [b"301 Moved", b"302 Found", b"303 See", b"307 Temporary", b"308 Permanent"]
)
async def test_a_server_that_sends_a_request_elsewhere_is_not_followed(
    plane, client, replica_server, status, kind
):
    elsewhere = await replica_server(json_answer())
    leads = b"Location: http://127.0.0.1:%d/first/v1/chat/completions" % elsewhere.port
    plane.places(desk={"replicas": [await replica_server(says(leads, status=status))], "kind": kind})
    answer = await client.post(ROUTE, json=CHAT, follow_redirects=True)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (502, "redirected")
    assert "Correct its address" in error["message"]
    assert (answer.history, elsewhere.asked) == ([], [])


async def test_a_redirect_back_to_us_does_not_act_with_our_key(plane, client, replica_server):
    leads = b"Location: /first/api/models/stop"
    plane.catalog(await replica_server(says(leads, status=b"307 Temporary Redirect")))
    await client.post(ROUTE, json=CHAT, follow_redirects=True)
    assert not plane.messages("control")


async def test_another_server_answers_what_one_sends_elsewhere(plane, client, replica_server):
    moved = await replica_server(says(b"Location: /", status=b"302 Found"))
    plane.places(moved=[moved], here=[await replica_server(json_answer())])
    for _ in range(2):
        answer = await client.post(ROUTE, json=CHAT, headers={"x-first-prefer": "moved"})
        assert answer.headers["x-first-cluster"] == "here"


async def test_a_server_hears_no_key_of_ours(plane, client, replica_server):
    replica = await replica_server(json_answer())
    plane.catalog(replica)
    headers = {"Cookie": "jupyter=1", "x-xsrftoken": "1", "Proxy-Authorization": "Basic x"}
    await client.post(ROUTE, json=CHAT, headers=headers)
    await until(lambda: replica.asked)
    heard = str(replica.asked[0].headers)
    assert replica.asked[0].headers["authorization"] == "Bearer its-key"
    assert not [
        secret for secret in ("the-scoped-key", "jupyter=1", "x-xsrftoken", "Basic x") if secret in heard
    ]


@pytest.mark.parametrize("field", ["replica", "model", "host", "key", "addresses"])
async def test_the_record_of_a_node_puts_no_line_into_a_request(replica_server, field):
    told = ReplicaRecord("r", "m", Stage.READY, host="127.0.0.1", key="k", addresses=("127.0.0.1",)).to_json()
    second = "\r\n\r\nPOST /admin HTTP/1.1\r\nx: y"
    told |= {field: [f"127.0.0.1{second}"] if field == "addresses" else f"{told[field]}{second}"}
    record = ReplicaRecord.from_json(told)
    said = [record.replica, record.model, record.host, record.key, *record.addresses]
    assert not [text for text in said if not text.isprintable()]
    inside = await replica_server(json_answer())
    await reach(replace(record, port=inside.port))
    assert [asked.target for asked in inside.asked] in ([], ["/v1/models"])
