"""Requests that cannot be served: refused at once, in OpenAI's words, with the remedy."""

from __future__ import annotations

import json
import socket

import pytest

pytestmark = pytest.mark.model

PORTS = ["kernels_port", "jupyters_port"]
CHAT = "first/v1/chat/completions"
MEGABYTE = 2**20


@pytest.fixture(params=PORTS)
def port(lab, request):
    with getattr(lab, request.param)(lab.found["api_key"]) as client:
        yield client


def test_an_unknown_model_is_answered_with_names_near_it(port):
    answer = port.post(CHAT, json={"model": "smolm2", "messages": []})
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "model_not_found"
    assert "smollm2" in answer.json()["error"]["message"]


def test_an_unknown_model_near_none_is_answered_with_what_there_is(port):
    answer = port.get("first/v1/models/qqqq")
    assert answer.status_code == 404
    assert "HuggingFaceTB/SmolLM2-135M-Instruct" in answer.json()["error"]["message"]


def test_a_model_on_a_cluster_that_has_it_not_is_answered_with_those_that_have(port):
    answer = port.post(CHAT, json={"model": "smollm2@polaris"})
    assert answer.status_code == 404
    assert "it is on: local" in answer.json()["error"]["message"]


@pytest.mark.parametrize("body", [b'{"model": ', b"\xff\xfe", b"", b"[1]", b'"text"', b'{"model": 7}'])
def test_a_malformed_body_is_refused(port, body):
    answer = port.post(CHAT, content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_a_body_nested_without_end_is_refused(port):
    assert port.post(CHAT, content=b'{"model": ' + b"[" * 100_000).status_code == 400


def test_a_wait_that_is_no_number_is_refused(port):
    answer = port.post(CHAT, json={"model": "smollm2"}, headers={"x-first-wait": "soon"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "x-first-wait")


def test_a_path_that_is_not_there_is_answered_with_those_that_are(port):
    answer = port.post("first/v1/images/generations", json={})
    assert answer.status_code == 404
    assert "chat/completions" in answer.json()["error"]["message"]


def test_a_wrong_verb_is_refused(port):
    assert port.get(CHAT).status_code == 405


def test_a_head_request_leaves_the_connection_in_order(port):
    port.head("first/v1/models")
    assert port.get("first/v1/models").status_code == 200


def test_an_unknown_model_cannot_be_chosen_or_started(port):
    assert port.put("first/api/current", json={"model": "qqqq"}).status_code == 404
    assert port.post("first/api/models/start", json={"model": "qqqq"}).status_code == 404
    assert port.post("first/api/models/stop", json={"model": "smollm2", "cluster": "mars"}).status_code == 404


def test_what_the_model_itself_refuses_reaches_the_client(lab, port):
    lab.warm()
    answer = port.post(CHAT, json={"model": "smollm2", "messages": "not a list"})
    assert answer.status_code == 400
    assert "messages" in answer.json()["error"]["message"]


def test_a_body_of_50_mb_is_refused(port):
    answer = port.post(CHAT, content=bytes(50 * MEGABYTE))
    assert_too_large(answer.status_code, answer.content)


def test_a_body_of_50_mb_in_chunks_is_refused(port):
    answer = port.post(CHAT, content=(bytes(MEGABYTE) for _ in range(50)))
    assert_too_large(answer.status_code, answer.content)


def test_a_client_that_asks_first_is_not_invited_to_send_50_mb(lab):
    answer = ask_first(lab.found["base_url"], lab.found["api_key"])
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"100 Continue" not in head
    assert_too_large(int(head.split()[1]), body)


def test_on_jupyters_port_a_client_that_asks_first_is_refused_in_the_end(lab):
    answer = ask_first(lab.found["server_url"], lab.found["api_key"], bytes(50 * MEGABYTE))
    head, _, body = answer.split(b"\r\n\r\n", 1)[1].partition(b"\r\n\r\n")
    assert_too_large(int(head.split()[1]), body)


def test_a_client_that_asks_first_may_send_what_is_accepted(lab):
    answer = ask_first(lab.found["base_url"], lab.found["api_key"], b"{")
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400")


def test_a_refused_body_leaves_the_server_as_it_was(lab, port):
    assert port.post(CHAT, content=bytes(50 * MEGABYTE)).status_code == 413
    assert port.get("first/v1/models").status_code == 200


def test_a_client_that_speaks_no_http_is_told_so(lab):
    with connect(lab.found["base_url"]) as line:
        line.sendall(b"\x16\x03\x01 hello?\r\n\r\n")
        assert line.recv(4096).startswith(b"HTTP/1.1 400")


def assert_too_large(status, body):
    assert status == 413
    assert "at most 32 MB" in json.loads(body)["error"]["message"]


def connect(url):
    port = url.split(":")[2].split("/")[0]
    return socket.create_connection(("127.0.0.1", int(port)), timeout=60)


def ask_first(url, key, body=None):
    """Send a head with ``Expect: 100-continue``, then perhaps a body; return all that is answered."""
    length = 50 * MEGABYTE if body is None else len(body)
    lines = ["POST /first/v1/chat/completions HTTP/1.1", "Host: localhost", f"Authorization: Bearer {key}"]
    lines += [f"Content-Length: {length}", "Expect: 100-continue", "Connection: close", "", ""]
    with connect(url) as line:
        line.sendall("\r\n".join(lines).encode())
        answer = line.recv(4096)
        if body is not None:
            line.sendall(body)
        while piece := line.recv(65536):
            answer += piece
    return answer
