"""The login of a real Jupyter server: its two ports, its events, its page, and where no token may be."""

import contextlib
import json
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from auth import NATIVE_CLIENT, AuthStandIn
from logins import secrets_in, tokens_in

sys.path.append(str(Path(__file__).parents[1] / "integration"))
from jupyter_process import Jupyter, client, wait_until

LOGIN = "https://first-jupyter.org/events/login/v1"
FEDERATION = {
    "globus": {"redirect": True},
    "clusters": {
        "local": {
            "kind": "local",
            "models": [{"id": "lab/model", "backend": "llama.cpp", "weights": "/nowhere/model.gguf"}],
        }
    },
}


@pytest.fixture(scope="module")
def standin():
    auth = AuthStandIn()
    with auth.serving():
        yield auth


@pytest.fixture(scope="module")
def lab(standin, tmp_path_factory):
    server = start(standin, tmp_path_factory.mktemp("lab"), "--debug")
    callback = server.found["server_url"] + "first/api/oauth/callback"
    standin.native[NATIVE_CLIENT]["redirects"].add(callback)
    server.callback = callback
    yield server
    server.close()


@pytest.fixture(autouse=True)
def _logged_out(lab):
    lab.post("logout")


def start(standin, home, *options, federation=FEDERATION, **env):
    env |= {"GLOBUS_SDK_SERVICE_URL_AUTH": standin.url, "HOME": str(home)}
    return Jupyter(home, *options, env=env, federation=json.dumps(federation))


def paste(lab, standin):
    begun = lab.post("login", way="paste", force=True)
    return lab.post("login/code", code=standin.visit(begun["url"]))


def shown(lab):
    """Return all that the control API shows of the login, by both ports."""
    with lab.jupyters_port() as jupyter:
        return lab.get("login"), jupyter.get("first/api/login").raise_for_status().json()


@contextlib.contextmanager
def events(lab):
    socket = lab.websocket("api/events/subscribe")
    try:
        yield lambda state: until(socket, state)
    finally:
        socket.close()


def until(socket, state):
    seen = []
    while not seen or seen[-1]["state"] != state:
        event = json.loads(socket.recv())
        if event["schema_id"] == LOGIN:
            seen.append(event)
    return seen


def test_both_ports_show_the_same_login(lab, standin):
    one, other = shown(lab)
    assert one == other
    assert one["state"] == "logged_out"
    assert one["ways"] == ["redirect", "paste"]
    assert one["asks"] == [{"service": "Globus Auth", "why": "to show who is logged in"}]
    done = paste(lab, standin)
    assert (done["state"], done["username"]) == ("logged_in", "ada@lab.example")
    assert shown(lab)[0]["username"] == shown(lab)[1]["username"] == "ada@lab.example"
    with lab.jupyters_port() as jupyter:
        assert jupyter.post("first/api/logout").json()["revoked"] is True
    assert standin.tokens == {}


def test_browsers_are_told_each_step_of_a_login(lab, standin):
    with events(lab) as until_state:
        paste(lab, standin)
        seen = until_state("logged_in")
        assert [event["state"] for event in seen] == ["pending", "logged_in"]
        assert set(seen[-1]) >= {"state", "username", "ends", "sentence"}
        lab.post("logout")
        assert until_state("logged_out")[-1]["username"] is None


def test_a_redirect_is_taken_from_a_browser_that_jupyter_knows(lab, standin):
    begun = lab.post("login")
    assert begun["way"] == "redirect"
    back = standin.visit(begun["url"])
    assert back.startswith(lab.callback + "?")
    with client(back, "") as stranger:
        page = stranger.get("")
        assert page.status_code == 401
        assert page.headers["content-type"].startswith("text/html")
    assert lab.get("login")["state"] == "pending"
    with lab.jupyters_port() as browser:
        page = browser.get(back)
        assert page.status_code == 200
        assert "Logged in as ada@lab.example" in page.text
        assert "You can close this tab" in page.text
        assert lab.get("login")["state"] == "logged_in"
        assert browser.get(back).status_code == 409


def test_a_callback_of_another_login_is_refused_and_one_that_nobody_began_too(lab, standin):
    begun = lab.post("login")
    back = standin.visit(begun["url"])
    query = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
    with lab.jupyters_port() as browser:
        for state in ("", "x" * 43, query["state"][:-1]):
            page = browser.get("first/api/oauth/callback", params={**query, "state": state})
            assert page.status_code == 403
            assert query["code"] not in page.text
        assert lab.get("login")["state"] == "pending"
        with lab.kernels_port() as kernel:
            assert kernel.delete("first/api/login").json()["state"] == "logged_out"
        assert browser.get("first/api/oauth/callback", params=query).status_code == 409


def test_a_login_that_the_person_declines_is_over(lab):
    begun = lab.post("login")
    state = parse_qs(urlsplit(begun["url"]).query)["state"][0]
    with lab.jupyters_port() as browser:
        declined = {"error": "access_denied", "error_description": "<script>", "state": state}
        page = browser.get("first/api/oauth/callback", params=declined)
    assert page.status_code == 403
    assert "<script>" not in page.text
    assert lab.get("login")["state"] == "logged_out"


def test_the_callback_is_on_jupyter_s_port_alone(lab):
    with lab.kernels_port() as kernel:
        assert kernel.get("first/api/oauth/callback").status_code == 404


@pytest.mark.parametrize(
    ("method", "route", "body", "status"),
    [
        ("POST", "login", {"way": "carrier pigeon"}, 400),
        ("POST", "login", {"tool": "alcf-tokens"}, 404),
        ("POST", "login/code", {}, 400),
        ("POST", "login/code", {"code": 3}, 400),
        ("POST", "login/code", {"code": "c"}, 409),
        ("PUT", "login", {}, 405),
        ("GET", "logout", None, 405),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(lab, method, route, body, status):
    with lab.kernels_port() as kernel:
        answer = kernel.request(method, f"first/api/{route}", json=body)
    assert answer.status_code == status
    assert answer.json()["error"]["message"].endswith((".", "?"))


def test_nobody_without_a_key_sees_the_login(lab):
    with lab.kernels_port(key="wrong") as kernel, lab.jupyters_port(key="wrong") as jupyter:
        assert kernel.get("first/api/login").status_code == 401
        assert jupyter.get("first/api/login").status_code == 401
        assert jupyter.post("first/api/login", json={}).status_code == 401


IN_A_KERNEL = """
from IPython.utils.capture import capture_output
shell = get_ipython()
with capture_output() as seen:
    shell.run_line_magic("load_ext", "first_jupyter")
    shell.run_line_magic("first", {line!r})
print("\\n".join(out.data["text/plain"] for out in seen.outputs))
"""


def test_a_kernel_logs_in_where_nobody_can_type(lab, standin):
    with lab.kernel() as run:
        said = run(IN_A_KERNEL.format(line="login paste"))
        assert "%first login CODE" in said
        url = next(line for line in said.splitlines() if line.startswith("http"))
        said = run(IN_A_KERNEL.format(line=f"login {standin.visit(url)}"))
        assert said.strip() == "Logged in as ada@lab.example for Globus Auth."
        assert "login: Logged in as ada@lab.example" in run(IN_A_KERNEL.format(line="status"))
        assert run(IN_A_KERNEL.format(line="logout")).startswith("Not logged in with Globus.")


def test_a_restart_and_a_second_server_find_the_login(lab, standin, tmp_path):
    paste(lab, standin)
    grants = len(standin.grants())
    (tmp_path / "other").mkdir()
    other = start(standin, tmp_path / "other", JUPYTER_DATA_DIR=str(lab.home / "data"))
    try:
        assert other.get("login")["username"] == "ada@lab.example"
        assert len(standin.grants()) == grants
        other.post("logout")
        assert lab.get("login")["state"] == "logged_out"
    finally:
        other.close()


def test_a_federation_without_globus_says_that_no_login_is_needed(standin, tmp_path):
    plain = start(standin, tmp_path, federation={"clusters": FEDERATION["clusters"]})
    try:
        assert plain.get("login")["state"] == "unneeded"
        with plain.kernels_port() as kernel:
            assert kernel.post("first/api/logout", json={}).status_code == 409
        assert "%first login" in plain.get("clusters/offers")["problem"]
        assert "globus" not in plain.log.lower()
    finally:
        plain.close()


def test_who_asks_for_a_login_to_find_clusters_gets_one_and_keeps_it(standin, tmp_path):
    federation = {"clusters": FEDERATION["clusters"]}
    plain = start(standin, tmp_path / "one", federation=federation)
    try:
        assert paste(plain, standin)["state"] == "logged_in"
        assert [ask["service"] for ask in plain.get("login")["asks"]] == ["Globus Auth", "Globus Compute"]
    finally:
        plain.close()
    data = str(tmp_path / "one" / "data")
    later = start(standin, tmp_path / "two", federation=federation, JUPYTER_DATA_DIR=data)
    try:
        assert later.get("login")["services"] == ["Globus Compute"]
    finally:
        later.close()


def test_the_secret_of_a_service_account_is_not_inherited_by_kernels(standin, tmp_path):
    standin.confidential["c1"] = {"secret": "a-secret-of-c1", "redirects": set()}
    env = {"FIRST_GLOBUS_CLIENT_ID": "c1", "FIRST_GLOBUS_CLIENT_SECRET": "a-secret-of-c1"}
    server = start(standin, tmp_path, "--debug", **env)
    try:
        assert server.get("login")["service_account"]
        with server.kernel() as run:
            assert "a-secret" not in run("import os; print(dict(os.environ))")
        assert "a-secret" not in server.log
    finally:
        server.close()


def files_with_tokens(lab, standin):
    files = [path for path in lab.home.rglob("*") if path.is_file() and not path.is_symlink()]
    return {path.name for path in files if tokens_in(still_there(path), standin)}


def still_there(path):
    """Return what a file holds, nothing where it has gone since, as SQLite's journals do."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_text(errors="replace")
    return ""


def test_no_token_is_ever_outside_of_the_file(lab, standin):
    answers = []
    with events(lab) as until_state, lab.jupyters_port() as jupyter, lab.kernel() as run:
        answers += [lab.post("login", way="paste", force=True)]
        address = answers[0]["url"]
        code = standin.visit(address)
        answers += [lab.post("login/code", code=code), *shown(lab), lab.get("status"), lab.get("models")]
        answers += until_state("logged_in")
        begun = lab.post("login", way="redirect", force=True)
        page = jupyter.get(standin.visit(begun["url"]))
        assert page.status_code == 200
        answers += [page.text, *until_state("logged_in")]
        answers += [run("import os; print(dict(os.environ))"), dict(lab.found)]
        assert files_with_tokens(lab, standin) == {"tokens.json"}
        answers += [lab.post("logout"), *until_state("logged_out")]
    wait_until(lambda: "oauth/callback" in lab.log, 60)
    data_plane = [pid for pid, words in lab.processes().items() if "dataplane" in words]
    environs = [Path(f"/proc/{pid}/environ").read_text() for pid in lab.processes()]
    commands = list(lab.processes().values())
    assert data_plane
    for place in (json.dumps(answers), lab.log, *environs, *commands):
        assert secrets_in(place, standin) == []
    assert files_with_tokens(lab, standin) == set()
