"""What a page of somebody else's can do in the browser of a person who uses Jupyter: nothing."""

from __future__ import annotations

import json

import pytest
from campus import Campus
from jupyter_process import Jupyter, free_port

EVIL = "https://evil.example"
FORM = {"Content-Type": "multipart/form-data; boundary=x"}
FILE = (
    b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n{}\r\n--x--\r\n'
)
CHANGES = [
    ("POST", "v1/chat/completions", b"{}", {"Content-Type": "text/plain"}),
    ("POST", "v1/files", FILE, FORM),
    ("DELETE", "v1/files/file-1", b"", {}),
    ("POST", "v1/batches", b"{}", {"Content-Type": "text/plain"}),
    ("POST", "v1/batches/batch_1/cancel", b"", {}),
    ("POST", "v1/batches/batch_1/resume", b"", {}),
    ("PUT", "api/current", b"{}", {}),
    ("PUT", "api/rules", b"{}", {}),
    ("POST", "api/models/start", b"{}", {"Content-Type": "text/plain"}),
    ("POST", "api/models/stop", b"{}", {"Content-Type": "text/plain"}),
    ("POST", "api/clusters", b"{}", {"Content-Type": "text/plain"}),
    ("POST", "api/login", b"{}", {"Content-Type": "text/plain"}),
    ("DELETE", "api/login", b"", {}),
    ("POST", "api/login/code", b"{}", {"Content-Type": "text/plain"}),
    ("POST", "api/logout", b"", {}),
]
READS = ["v1/models", "v1/files", "v1/batches", "api/models", "api/usage", "api/connection", "api/events"]
ids = [f"{verb} {path}" for verb, path, *_ in CHANGES]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with a model of somebody else's, so that no weights are needed."""
    campus = Campus(free_port())
    federation = json.dumps({"clusters": {"campus": campus.section}})
    running = Jupyter(tmp_path_factory.mktemp("pages"), federation=federation)
    yield running
    running.close()
    campus.kill()


@pytest.fixture(scope="module")
def browser(server):
    """A browser that is logged in to Jupyter by a cookie."""
    with server.jupyters_port("") as client:
        client.get("login")  # the page, which brings the XSRF cookie
        client.get("login", params={"token": server.token})
        client.xsrf = client.cookies.get("_xsrf") or client.get("login").cookies["_xsrf"]
        assert client.get("first/api/status").status_code == 200
        yield client


@pytest.mark.parametrize(("verb", "path", "body", "headers"), CHANGES, ids=ids)
def test_a_cookie_changes_nothing_without_jupyters_xsrf_token(browser, verb, path, body, headers):
    answer = browser.request(verb, f"first/{path}", content=body, headers=headers)
    assert answer.status_code == 403
    assert "_xsrf" in answer.json()["error"]["message"]


@pytest.mark.parametrize(("verb", "path", "body", "headers"), CHANGES, ids=ids)
def test_a_cookie_changes_nothing_for_another_origin(browser, verb, path, body, headers):
    theirs = {"Origin": EVIL, "X-XSRFToken": browser.xsrf, **headers}
    assert browser.request(verb, f"first/{path}", content=body, headers=theirs).status_code == 404


def test_the_same_browser_may_do_all_of_it_from_jupyters_own_pages(server, browser):
    ours = {"Origin": server.found["server_url"].rstrip("/"), "X-XSRFToken": browser.xsrf}
    assert browser.put("first/api/current", json={"model": "nobody"}, headers=ours).status_code == 404
    assert browser.delete("first/v1/files/file-1", headers=ours).json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("path", READS)
def test_another_origin_reads_nothing(browser, path):
    with browser.stream("GET", f"first/{path}", headers={"Origin": EVIL}) as answer:
        assert answer.status_code in (403, 404)
        assert "access-control-allow-origin" not in answer.headers


def test_an_upload_that_is_refused_is_not_kept(server, browser):
    browser.post("first/v1/files", content=FILE, headers=FORM)
    with server.jupyters_port() as owner:
        assert owner.get("first/v1/files").json()["data"] == []


@pytest.mark.parametrize("headers", [{}, {"Origin": EVIL}, {"Host": "evil.example"}], ids=str)
@pytest.mark.parametrize(("verb", "path", "body", "more"), CHANGES, ids=ids)
def test_on_the_kernels_port_a_page_lacks_the_key(server, verb, path, body, more, headers):
    with server.kernels_port("") as page:
        answer = page.request(verb, f"first/{path}", content=body, headers={**more, **headers})
    assert answer.status_code == 401
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("path", ["v1/chat/completions", "v1/files", "api/models"])
def test_on_the_kernels_port_no_page_is_let_in_by_asking_first(server, path):
    asked = {"Origin": EVIL, "Access-Control-Request-Method": "POST"}
    asked["Access-Control-Request-Headers"] = "authorization"
    with server.kernels_port("") as page:
        answer = page.options(f"first/{path}", headers=asked)
    assert answer.status_code == 401
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_on_jupyters_port_another_host_name_is_refused(browser):
    assert browser.get("first/v1/models", headers={"Host": "evil.example"}).status_code == 403


@pytest.mark.parametrize("path", ["v1/models", "v1/files", "api/status"])
def test_no_answer_is_a_page_that_runs_or_can_be_framed(browser, path):
    headers = browser.get(f"first/{path}").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors" in headers["content-security-policy"]


def test_a_client_with_the_key_needs_no_cookie_and_no_origin(server):
    with server.jupyters_port(server.found["api_key"]) as kernel:
        assert kernel.post("first/v1/files", content=FILE, headers=FORM).status_code == 200
