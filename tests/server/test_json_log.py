"""Jupyter's log in JSON: what a line holds, which requests have one, and what a child of ours has to say."""

import asyncio
import json
import logging
import sys

import pytest
from first_jupyter_server.json_log import JsonFormatter
from first_jupyter_server.processes.child import Child
from first_jupyter_server.request_log import RequestLog

from .conftest import until

TALKER = """
import asyncio, logging, threading
from first_jupyter_server.processes.log_pipe import forward
from first_jupyter_server.processes.pipe import sender

async def main():
    logging.getLogger("tornado.access").setLevel(logging.INFO)
    forward(await sender())
    log = logging.getLogger("first.talker")
    logging.getLogger("tornado.access").info("200 GET /v1/batches 1.0 ms")
    log.warning("%d rows wait", 3)
    def fail():
        try:
            {}["key"]
        except KeyError:
            log.exception("in a thread")
    threading.Thread(target=fail).start()
    await asyncio.sleep(60)

asyncio.run(main())
"""


class Lines(logging.Handler):
    """Keeps what a JSON log would have."""

    def __init__(self):
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.lines = []

    def emit(self, record):
        self.lines.append(json.loads(self.format(record)))


@pytest.fixture
def lines(request):
    """Return a logger of the test's own and what is in its log."""
    log, handler = logging.getLogger(request.node.name), Lines()
    log.setLevel(logging.DEBUG)
    log.propagate = False
    log.addHandler(handler)
    return log, handler.lines


def test_a_line_has_its_time_in_utc_its_level_its_logger_and_its_fields(lines):
    log, said = lines
    record = logging.LogRecord(log.name, logging.WARNING, "", 0, "%s is cold", ("org/model",), None)
    record.created, record.fields = 1_800_000_000.25, {"model": "org/model", "cluster": None}
    log.handle(record)
    assert said == [
        {
            "time": "2027-01-15T08:00:00.250Z",
            "level": "WARNING",
            "logger": log.name,
            "message": "org/model is cold",
            "model": "org/model",
        }
    ]


def test_an_exception_is_a_field_of_the_line(lines):
    log, said = lines
    try:
        raise ValueError("broken")
    except ValueError:
        log.exception("It failed.")
    assert said[0]["message"] == "It failed."
    assert said[0]["exception"].endswith("ValueError: broken")


@pytest.mark.parametrize(
    "words",
    [
        "http://127.0.0.1:8888/lab?token=s3cret&a=b",
        "{'IdentityProvider': {'token': 's3cret'}}",
        "{'IdentityProvider': {'token': DeferredConfigString('s3cret')}}",
        "{'PasswordIdentityProvider': {'hashed_password': 's3cret'}}",
    ],
)
def test_jupyters_token_is_in_no_line(lines, words):
    log, said = lines
    log.info("%s", words)
    assert "s3cret" not in said[0]["message"]
    assert "***" in said[0]["message"]


def outcome(**more):
    entry = {"request_id": "r-1", "model": "org/model", "cluster": "desk", "replica": "r", "status": 200}
    return entry | {"outcome": "ok", "total_s": 1.25, "first_byte_s": 0.1, "label": "a-label"} | more


def test_a_request_that_failed_is_always_told_with_what_is_known_of_it(lines):
    log, said = lines
    RequestLog(log, verbose=False).add([outcome(), outcome(status=503, outcome="model_not_ready")])
    (line,) = said
    assert line["message"].startswith("Request r-1 to org/model failed with model_not_ready (HTTP 503)")
    assert (line["level"], line["request_id"], line["cluster"]) == ("WARNING", "r-1", "desk")
    assert (line["status"], line["total_s"], line["first_byte_s"]) == (503, 1.25, 0.1)
    assert "label" not in line


def test_who_wants_all_requests_sets_the_level_of_their_logger(lines):
    log, said = lines
    log.getChild("requests").setLevel(logging.INFO)
    RequestLog(log, verbose=False).add([outcome()])
    assert [(line["level"], line["outcome"]) for line in said] == [("INFO", "ok")]


def test_where_all_is_logged_all_requests_are(lines):
    log, said = lines
    RequestLog(log, verbose=True).add([outcome(outcome="cancelled")])
    assert [line["outcome"] for line in said] == ["cancelled"]


async def test_what_a_child_logs_is_in_our_log_with_its_own_logger(lines):
    log, said = lines

    async def start():
        pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
        return await asyncio.create_subprocess_exec(sys.executable, "-c", TALKER, **pipes)

    child = Child("The talker", start, list, lambda _: None, log)
    child.begin()
    await until(lambda: len(said) == 2)
    await child.stop()
    assert [(line["logger"], line["level"]) for line in said] == [
        ("first.talker", "WARNING"),
        ("first.talker", "ERROR"),
    ]
    assert (said[0]["message"], said[1]["message"]) == ("3 rows wait", "in a thread")
    assert said[1]["exception"].endswith("KeyError: 'key'")
