"""Bodies that no library makes, on both ports: answered, and in words."""

import logging
from types import SimpleNamespace

import pytest
from first_jupyter_server import heard

from .any_server import MODEL

BODIES = [
    b"[" * 100_000,
    b'{"model":' * 50_000,
    b'{"model":"\\ud800","cluster":"\\ud800","endpoint":"\\ud800","tool":"\\ud800","code":"\\ud800"}',
    b'{"model":"x","cluster":"\\ud800","avoid":["\\ud800"],"notebook":"\\ud800","endpoint":"x"}',
    b'{"model":"%b","cluster":"\\ud800","avoid":["\\udc00"]}' % MODEL.encode(),
    b'{"model":"%b","replica":"\\ud800","way":"\\ud800"}' % MODEL.encode(),
    b'{"avoid":["\\ud800"]}',
    b'{"hold":1e999,"model":"x"}',
    b'{"hold":NaN}',
    b'{"hold":1' + b"0" * 5_000 + b"}",
    b"\xff\xfe",
    b'"\xed\xa0\x80"',
    b"\xef\xbb\xbf{}",
]
ROUTES = [
    "POST api/models/start",
    "POST api/models/stop",
    "PUT api/current",
    "PUT api/rules",
    "POST api/clusters",
]
ROUTES += [
    "POST api/login",
    "POST api/login/code",
    "POST v1/batches",
    "POST v1/chat/completions",
    "DELETE api/login",
]


@pytest.mark.parametrize("port", ["kernels_port", "jupyters_port"])
@pytest.mark.parametrize("route", ROUTES)
def test_a_body_that_no_library_makes_is_answered_in_words(server, port, route):
    verb, path = route.split(" ")
    with getattr(server, port)() as client:
        client.timeout = 10
        answers = [client.request(verb, f"first/{path}", content=body) for body in BODIES]
    for answer in answers:
        assert answer.status_code < 500 or answer.status_code == 503, answer.text
        assert answer.status_code == 200 or answer.json()["error"]["message"]


async def test_a_request_over_which_the_server_stumbles_is_answered_all_the_same():
    class Control:
        async def handle(self, *_):
            raise RecursionError

    said = []
    log = logging.getLogger("test")
    first = SimpleNamespace(
        control=Control(), log=log, dataplane=SimpleNamespace(reply=lambda *reply: said.append(reply))
    )
    await heard._reply(first, {"id": 7, "method": "GET", "path": "status", "body": ""})
    ((identity, status, body),) = said
    assert (identity, status, body["error"]["code"]) == (7, 500, "internal_error")


@pytest.mark.parametrize("port", ["kernels_port", "jupyters_port"])
@pytest.mark.parametrize(
    "target",
    [
        *(
            "api/models/log?model=%ed%a0%80",
            "api/models/log?model=x&cluster=%00",
            "api/why?request=%ed%a0%80",
        ),
        *(
            "v1/models/%ed%a0%80",
            "v1/files/%00",
            "v1/files/%ed%a0%80/content",
            "v1/batches/%2e%2e",
            "v1/files?after=%00",
        ),
        *(
            "v1/files?limit=-1",
            "v1/files?limit=99999999999999999999",
            "v1/batches?after=%ff",
            "api/%ff",
            "v1/%ff",
        ),
    ],
)
def test_a_target_that_no_library_makes_is_answered_in_words(server, port, target):
    with getattr(server, port)() as client:
        client.timeout = 10
        answer = client.get(f"first/{target}")
    assert answer.status_code < 500, answer.text
    assert answer.status_code == 200 or answer.json()["error"]["message"]
