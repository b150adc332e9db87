"""What comes of one try at a row."""

import json

import pytest
from first_jupyter_server.batch.answered import Fault, failed, read
from first_jupyter_server.batch.lines import Row
from first_jupyter_server.batch.rows import Result

ROW = Row(7, "request-7", b"{}")
HEADERS = {b"x-request-id": b"req-1", b"x-first-cluster": b"lab"}
ANSWER = b'{"id":"1","usage":{"prompt_tokens":5,"completion_tokens":3},"x":1.10}'


def told(code=None, message="It does not work.", **more):
    return json.dumps({"error": {"message": message, "code": code, **more}}).encode()


def test_an_answer_becomes_a_line_with_its_body_as_it_came():
    result = read(ROW, "batch_ab", 200, HEADERS, ANSWER)
    assert (result.number, result.ok, result.prompt, result.completion, result.cluster) == (
        7,
        True,
        5,
        3,
        "lab",
    )
    assert ANSWER in result.line
    assert json.loads(result.line) == {
        "id": "batch_req_ab_7",
        "custom_id": "request-7",
        "response": {"status_code": 200, "request_id": "req-1", "body": json.loads(ANSWER)},
        "error": None,
    }


def test_an_answer_over_several_lines_becomes_one():
    result = read(ROW, "batch_ab", 200, HEADERS, b'{\n  "id": "1"\n}\n')
    assert b"\n" not in result.line
    assert json.loads(result.line)["response"]["body"] == {"id": "1"}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, told("context_length_exceeded")),
        (413, told()),
        (422, b'{"detail": "no"}'),
        (400, b'{"error": "in one word"}'),
        (400, b"no JSON at all"),
    ],
)
def test_what_is_wrong_with_the_row_is_not_tried_again(status, body):
    result = read(ROW, "batch_ab", status, HEADERS, body)
    assert isinstance(result, Result)
    assert not result.ok
    assert json.loads(result.line)["response"]["status_code"] == status


@pytest.mark.parametrize(
    ("status", "body", "own", "breaks"),
    [
        (500, told(), True, False),
        (502, told("replica_lost"), True, True),
        (504, b"<html>gateway</html>", True, False),
        (200, b'{"cut": ', True, False),
        (200, b"[]", True, False),
        (503, told("model_not_ready"), False, False),
        (429, told("overloaded"), False, False),
        (401, told("invalid_api_key"), False, False),
        (404, told("model_not_found"), False, False),
        (400, told("unknown_cluster"), False, False),
    ],
)
def test_all_else_is(status, body, own, breaks):
    fault = read(ROW, "batch_ab", status, HEADERS, body)
    assert isinstance(fault, Fault)
    assert (fault.own, fault.breaks) == (own, breaks)


def test_a_row_that_is_set_aside_keeps_what_was_said_last():
    fault = read(ROW, "batch_ab", 500, HEADERS, told(message="It crashed."))
    assert (
        json.loads(failed(ROW, "batch_ab", fault).line)["response"]["body"]["error"]["message"]
        == "It crashed."
    )


def test_a_row_that_got_no_answer_says_so():
    entry = json.loads(failed(ROW, "batch_ab", Fault("Nobody was there.", own=False)).line)
    assert (entry["response"], entry["error"]["message"]) == (None, "Nobody was there.")
