"""Two accounts of one JupyterHub: what one of them can do with the other's server is nothing."""

from __future__ import annotations

import json

import pytest
from jupyter_process import SMOLLM2, wait_until
from slow import MODEL
from test_keys import URLS, VERBS
from test_web_pages import CHANGES, FILE, FORM

pytestmark = pytest.mark.hub

SECRET = "ada's secret question"
ASKED = {"model": SMOLLM2, "messages": [{"role": "user", "content": SECRET}], "max_tokens": 4}

PROCESSES = """
import json, os, pathlib, sys
seen, readable = [], []
for entry in pathlib.Path("/proc").iterdir():
    try:
        if not entry.name.isdigit() or entry.stat().st_uid != int(sys.argv[1]):
            continue
        seen.append((entry / "cmdline").read_text())
    except OSError:
        continue
    for name in ("environ", "mem", "maps", "fd", "cwd", "root"):
        try:
            (os.listdir if name == "fd" else os.readlink if name in ("cwd", "root") else open)(entry / name)
            readable.append(str(entry / name))
        except OSError:
            continue
print(json.dumps([seen, readable]))
"""
"""Prints the command lines of a user's processes, and what else of them can be read."""

FILES = """
import json, os, pathlib, socket, stat, sys
seen, opened = 0, []
def walk(folder):
    global seen
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        try:
            info = entry.stat(follow_symlinks=False)
        except OSError:
            continue
        seen += info.st_uid == int(sys.argv[1])
        if stat.S_ISDIR(info.st_mode):
            walk(entry.path)
        elif info.st_uid == int(sys.argv[1]):
            try:
                if stat.S_ISSOCK(info.st_mode):
                    socket.socket(socket.AF_UNIX).connect(entry.path)
                else:
                    open(entry.path).close()
                opened.append(entry.path)
            except OSError:
                continue
for folder in sys.argv[2:]:
    walk(folder)
print(json.dumps([seen, opened]))
"""
"""Prints how many files of a user's there are in some folders, and which of them, or of its sockets, open."""


@pytest.fixture(scope="module")
def used(people):
    """Have ada ask a model of her own, upload a file and have a kernel; return its id."""
    ada, _ = people
    with ada.openai(ada.key) as client:
        client.chat.completions.create(**ASKED)
    with ada.port(ada.key) as port:
        return port.post("first/v1/files", content=FILE, headers=FORM).raise_for_status().json()["id"]


def answers(client, url):
    return {verb: client.request(verb, url).status_code for verb in VERBS}


# at the Hub's address


def test_a_person_uses_their_own_server_with_a_token_of_the_hubs(ada):
    with ada.openai(ada.token()) as client:
        assert {model.id for model in client.models.list()} == {SMOLLM2, MODEL}
        stream = client.chat.completions.create(**ASKED, stream=True)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def test_a_person_uses_their_own_server_with_its_key(ada):
    with ada.openai(ada.key) as client:
        assert client.models.retrieve(SMOLLM2).id == SMOLLM2


def test_the_panel_finds_its_addresses_behind_the_prefix(ada):
    with ada.browser() as browser:
        assert f'"baseUrl": "/user/{ada.name}/"' in browser.opened.text
        for path in ("status", "models", "usage", "clusters", "login", "connection"):
            assert browser.get(f"first/api/{path}").status_code == 200
        with browser.stream("GET", "first/api/events") as events:
            assert next(events.iter_lines()) == "event: models"


@pytest.mark.parametrize("credential", ["token", "key", "nothing"])
def test_what_opens_ones_own_server_opens_no_route_of_anothers(ada, bob, credential):
    key = {"token": bob.token, "key": lambda: bob.key, "nothing": str}[credential]()
    with ada.port(key) as stranger:
        found = {url: answers(stranger, url) for url in URLS}
    assert {status for each in found.values() for status in each.values()} <= {401, 403, 405}
    assert all({each["GET"], each["POST"]} & {401} for each in found.values())


def test_a_cookie_of_another_account_opens_no_route(ada, bob):
    with bob.browser(at=ada) as stranger:
        assert stranger.opened.status_code == 403
        found = {url: answers(stranger, url) for url in URLS}
    assert {status for each in found.values() for status in each.values()} <= {401, 403, 405}


def test_a_cookie_changes_nothing_without_the_xsrf_token_of_that_server(ada):
    with ada.browser() as browser:
        found = {
            f"{verb} {path}": browser.request(
                verb, f"first/{path}", content=body, headers=headers
            ).status_code
            for verb, path, body, headers in CHANGES
        }
        assert set(found.values()) == {403}
        mine = {"X-XSRFToken": browser.cookies.get("_xsrf", path=f"/user/{ada.name}/")}
        assert browser.put("first/api/current", json={"model": MODEL}, headers=mine).status_code == 200
        hubs = {"X-XSRFToken": browser.cookies.get("_xsrf", path="/hub/")}
        assert browser.put("first/api/current", json={"model": MODEL}, headers=hubs).status_code == 403


def test_nobody_sees_what_another_has_done(ada, bob, used):
    wait_until(lambda: SMOLLM2 in ada.port(ada.key).get("first/api/usage").json()["today"]["by_model"], 30)
    with bob.port(bob.key) as port:
        assert SMOLLM2 not in port.get("first/api/usage").json()["last_30_days"]["by_model"]
        assert port.get("first/v1/files").json()["data"] == []
        assert port.get(f"first/v1/files/{used}/content").status_code == 404
        counted = [line for line in port.get("first/metrics").text.splitlines() if "request_success" in line]
        assert [line for line in counted if SMOLLM2 in line] == []


def test_nobody_stops_anothers_replica(ada, bob, used):
    with ada.port(ada.key) as mine, bob.port(bob.key) as theirs:
        (lease,) = place(mine)["leases"]
        asked = {"model": SMOLLM2, "replica": lease["replica"]}
        assert theirs.post("first/api/models/stop", json=asked).status_code == 404
        assert place(theirs)["leases"] == []
        assert place(mine)["state"] == "hot"


def place(port):
    models = port.get("first/api/models").raise_for_status().json()["models"]
    return next(model for model in models if model["id"] == SMOLLM2)["clusters"][0]


# on the machine, as the other's Unix user


def test_the_ports_of_anothers_server_answer_nothing(ada, bob, used):
    record = json.loads(next(ada.home.rglob("replicas/*.json")).read_text())
    ports = [
        ada.found["base_url"],
        f"http://127.0.0.1:{record['port']}/v1",
        f"{ada.found['server_url']}first/v1",
    ]
    code = f"""
import json, sys, urllib.error, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
found = []
for port in {ports!r}:
    for key in ("", "sk-wrong", {bob.key!r}, {bob.token()!r}):
        asked = urllib.request.Request(port + "/models", headers={{"Authorization": "Bearer " + key}})
        try:
            found.append(opener.open(asked).status)
        except urllib.error.HTTPError as error:
            found.append(error.code)
print(json.dumps(found))
"""
    assert bob.run(code) == [401] * len(ports) * 4


def test_no_process_of_anothers_tells_its_key(ada, bob, used):
    commands, readable = bob.run(PROCESSES, str(ada.home.stat().st_uid))
    assert any("first_jupyter_server.dataplane" in words for words in commands)
    assert any("first_jupyter_server.batch" in words for words in commands)
    assert ada.key not in " ".join(commands)
    assert readable == []


def test_no_file_and_no_socket_of_anothers_opens(hub, ada, bob, used):
    uid = str(ada.home.stat().st_uid)
    folders = [f"/home/{ada.name}/.local", str(hub.folder / "tmp"), "/run", "/dev/shm"]
    seen, opened = bob.run(FILES, uid, *folders)
    assert seen > 0
    assert [path for path in opened if "first" in path] == []
    _, own = ada.run(FILES, uid, *folders)
    assert {"first-", "batches", "usage.sqlite3"} <= {
        part for part in ("first-", "batches", "usage.sqlite3") for path in own if part in path
    }


# what the administrator has decided


def test_the_sites_settings_are_the_only_ones(bob):
    """Bob's home is full of settings of his own."""
    with bob.port(bob.key) as port:
        assert port.get("first/api/status").json()["federation"] == {"file": None, "problems": []}
        clusters = port.get("first/api/clusters").json()["clusters"]
        assert {each["cluster"] for each in clusters} == {"campus", "here"}
        assert port.put("first/api/current", json={"model": MODEL}).status_code == 200
        added = port.post("first/api/clusters", json={"endpoint": "00000000-0000-0000-0000-000000000000"})
    assert added.status_code == 409
    assert "administrator" in added.json()["error"]["message"]
