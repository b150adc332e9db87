"""Who may ask: nobody without a key, on neither port, on no route."""

from __future__ import annotations

import re

import pytest
from first_jupyter_server.control import handlers as control
from first_jupyter_server.control.api import ControlApi
from first_jupyter_server.dataplane.surface import ROUTES
from first_jupyter_server.metrics import handler as metrics
from first_jupyter_server.openai import files as uploads
from first_jupyter_server.openai import handlers as surface

pytestmark = pytest.mark.model

VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
OPENAI = [("GET", "v1/models"), ("GET", "v1/models/smollm2"), *(("POST", f"v1/{path}") for path in ROUTES)]
CONTROL = [(verb, f"api/{path}") for verb, path in ControlApi._routes(ControlApi(*[None] * 8))]
EVENTS = [("GET", "api/events")]
EVERY = [*OPENAI, *CONTROL, *EVENTS]
WHY = [("GET", "api/why")]
BATCHES = [
    *(("GET", f"v1/{path}") for path in ("files", "files/file-1", "files/file-1/content", "batches/batch_1")),
    *(("POST", f"v1/batches{path}") for path in ("", "/batch_1/cancel", "/batch_1/resume")),
    ("DELETE", "v1/files/file-1"),
]
ON_JUPYTERS_PORT_ALONE = [("GET", "api/connection"), ("GET", "api/oauth/callback"), ("GET", "metrics")]
URLS = [
    f"first/{path}"
    for path in sorted({path for _, path in (*EVERY, *BATCHES, *WHY, *ON_JUPYTERS_PORT_ALONE)})
]
PORTS = ["kernels_port", "jupyters_port"]
STRANGERS = ["", "sk-wrong"]


def test_the_list_below_holds_every_route_that_is_registered():
    homes = (control, metrics, surface, uploads)
    patterns = [pattern for home in homes for pattern, _ in home.default_handlers]
    assert all(
        any(re.fullmatch(f"/{pattern.lstrip('/')}", f"/{url}") for pattern in patterns) for url in URLS
    )
    assert all(any(re.fullmatch(pattern, f"/{url}") for url in URLS) for pattern in patterns)


@pytest.mark.parametrize("key", STRANGERS, ids=["no-key", "wrong-key"])
@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("url", URLS)
def test_nothing_is_answered_without_the_key(lab, port, url, key):
    with getattr(lab, port)(key) as stranger:
        answers = {verb: stranger.request(verb, url) for verb in VERBS}
    assert {answer.status_code for answer in answers.values()} <= {401, 403, 405}
    assert {answers["GET"].status_code, answers["POST"].status_code} & {401}


@pytest.mark.parametrize("key", STRANGERS, ids=["no-key", "wrong-key"])
@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize(("verb", "path"), [*OPENAI, *BATCHES])
def test_a_stranger_is_refused_in_openais_words(lab, port, verb, path, key):
    with getattr(lab, port)(key) as stranger:
        answer = stranger.request(verb, f"first/{path}", json={} if verb == "POST" else None)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (401, "authentication_error")
    assert "FIRST_API_KEY" in error["message"]
    assert "xsrf" not in answer.text.lower()


@pytest.mark.parametrize("authorization", ["Bearer", "Basic Zmlyc3Q6", "Bearer \xff\xfe"])
@pytest.mark.parametrize("port", PORTS)
def test_an_odd_authorization_header_is_refused_like_a_wrong_key(lab, port, authorization):
    with getattr(lab, port)("") as stranger:
        raw = [(b"authorization", authorization.encode("latin-1"))]
        assert stranger.get("first/v1/models", headers=raw).status_code == 401


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize(("verb", "path"), EVERY)
def test_with_the_key_every_route_is_open(lab, port, verb, path):
    with getattr(lab, port)(lab.found["api_key"]) as kernel:
        body = None if verb == "GET" else b"{"
        with kernel.stream(verb, f"first/{path}", content=body) as answer:
            # What a route says of nothing in particular; only a replica that runs or has failed has a log.
            refused = {400}
            expected = {"GET": {200}, "POST": refused, "PUT": refused, "DELETE": refused}[verb]
            assert answer.status_code in (expected | {404} if path == "api/models/log" else expected)


def test_jupyters_own_token_opens_jupyters_port(lab):
    with lab.jupyters_port() as browser:
        assert browser.get("first/v1/models").status_code == 200
        assert browser.get("first/api/connection").json()["api_key"] == lab.found["api_key"]


def test_jupyters_own_token_does_not_open_the_kernels_port(lab):
    with lab.kernels_port(lab.token) as plane:
        assert plane.get("first/v1/models").status_code == 401


@pytest.mark.parametrize("path", ["contents", "kernels", "sessions", "terminals", "kernelspecs", "me"])
def test_the_key_opens_nothing_else_of_jupyter(lab, path):
    with lab.jupyters_port(lab.found["api_key"]) as kernel:
        assert kernel.get(f"api/{path}").status_code == 403


def test_the_key_starts_no_kernel(lab):
    with lab.jupyters_port(lab.found["api_key"]) as kernel:
        assert kernel.post("api/kernels", json={}).status_code == 403


def test_a_cookie_alone_changes_nothing(lab):
    with lab.jupyters_port("") as page:
        page.get("login", params={"token": lab.token})
        assert page.get("first/v1/models").status_code == 200
        answer = page.put("first/api/current", json={"model": "smollm2"})
    assert answer.status_code == 403
    assert "_xsrf" in answer.json()["error"]["message"]


def test_jupyter_finds_no_fault_with_our_handlers(lab):
    complaint = lab.log.partition("JupyterServerAuthWarning")[2]
    assert "first" not in complaint.partition("\n[")[0]


def test_keys_lie_in_files_of_their_owner_alone(lab):
    lab.warm()
    files = [lab.runtime_file, *lab.home.rglob("replicas/*.json")]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_others_on_the_machine_cannot_look_into_the_data_folder(lab):
    assert (lab.home / "data" / "first").stat().st_mode & 0o777 == 0o700


def test_keys_stand_in_no_log(lab):
    lab.warm()
    logs = [file.read_text() for file in [lab.home / "log", *lab.home.rglob("replicas/*.log")]]
    assert len(logs) > 1
    assert not [log for log in logs if lab.found["api_key"] in log]


def test_keys_stand_in_no_command_line(lab):
    lab.warm()
    commands = " ".join(lab.processes().values())
    assert lab.found["api_key"] not in commands
