"""Files and batches: their ids lead nowhere else, and what is kept is its owner's alone."""

from __future__ import annotations

import json

import pytest
from campus import MODEL, Campus
from jupyter_process import Jupyter, free_port, wait_until

PORTS = ["kernels_port", "jupyters_port"]
HEAD = b'--x\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n'
FORM = {"Content-Type": "multipart/form-data; boundary=x"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with one file and one batch that has ended."""
    campus = Campus(free_port())
    federation = json.dumps({"clusters": {"campus": campus.section}})
    running = Jupyter(tmp_path_factory.mktemp("files"), federation=federation)
    yield running
    running.close()
    campus.kill()


def upload(client, name=b"a.jsonl", content=b"{}", *more):
    parts = [HEAD % (b"purpose", b""), b"batch\r\n", *more]
    parts += [HEAD % (b"file", b'; filename="%b"' % name), content, b"\r\n--x--\r\n"]
    return client.post("first/v1/files", content=b"".join(parts), headers=FORM)


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize(
    "identity",
    [
        "..%2Fbatches.sqlite3",
        "..%2F..%2F..%2F..%2Fconfig%2Ffirst.yaml",
        "..%2f..%2flock",
        "%2Fetc%2Fpasswd",
        "..%5C..%5Clock",
        "%2e%2e%2flock",
        "file-1%00",
        "file-1'%20OR%20'1'='1",
        "*",
        "%25",
    ],
)
def test_an_id_is_no_path(server, port, identity):
    with getattr(server, port)() as client:
        for verb, path in (
            *(("GET", f"files/{identity}{more}") for more in ("", "/content")),
            ("DELETE", f"files/{identity}"),
            ("GET", f"batches/{identity}"),
            *(("POST", f"batches/{identity}/{what}") for what in ("cancel", "resume")),
        ):
            answer = client.request(verb, f"first/v1/{path}")
            assert answer.status_code in (400, 404), (verb, path)
            assert "root:" not in answer.text
            assert "clusters" not in answer.text
    assert (server.home / "config" / "first.yaml").exists()


@pytest.mark.parametrize("source", ["../batches.sqlite3", "/etc/passwd", "file-1", "' OR '1'='1"])
def test_a_batch_reads_no_file_but_an_uploaded_one(server, source):
    asked = {"input_file_id": source, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    with server.kernels_port() as client:
        assert client.post("first/v1/batches", json=asked).status_code == 404


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize(
    "name", [b"../../../escaped", b"/tmp/escaped", b"..", b"a\\..\\..\\escaped", b"<img src=x>", b"\xff\xfe"]
)
def test_a_files_name_is_a_name_and_no_place(server, port, name):
    with getattr(server, port)() as client:
        made = upload(client, name).json()
        assert "/" not in made["filename"]
        assert client.get(f"first/v1/files/{made['id']}/content").content == b"{}"
        assert (
            client.get(f"first/v1/files/{made['id']}").headers["content-type"].startswith("application/json")
        )
    kept = server.home / "data" / "first" / "batch" / "files" / made["id"]
    assert kept.read_bytes() == b"{}"
    assert not list(server.home.rglob("*escaped*"))


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([HEAD % (b"file", b"") + b"one\r\n" + HEAD % (b"purpose", b'; filename="x"') + b"batch\r\n"], 200),
        ([HEAD % (b"f" * 9000, b"") + b"\r\n"], 400),
        ([HEAD[:-4] + b"x: y\r\n" * 100], 400),
        ([b"--x\r\n" + b"y" * 70_000], 400),
    ],
    ids=["twice", "long-name", "many-headers", "endless-header"],
)
def test_a_form_of_tricks_is_refused_or_read_as_one_file(server, parts, status):
    with server.kernels_port() as client:
        answer = upload(client, b"a.jsonl", b"{}", *parts)
        assert answer.status_code == status
        assert client.get("first/v1/files").status_code == 200
    wait_until(lambda: not list(server.home.rglob("files/*.part")), 30)


def test_what_is_kept_of_batches_is_its_owners_alone(server):
    body = {"model": MODEL, "messages": [{"role": "user", "content": "a secret question"}]}
    row = {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": body}
    with server.kernels_port() as client:
        made = upload(client, b"rows.jsonl", json.dumps(row).encode()).json()
        asked = {"input_file_id": made["id"], "endpoint": row["url"], "completion_window": "24h"}
        batch = client.post("first/v1/batches", json=asked).json()

        def is_done():
            return client.get(f"first/v1/batches/{batch['id']}").json()["status"] == "completed"

        wait_until(is_done, 120)
    folder = server.home / "data" / "first" / "batch"
    entries = {path: path.stat().st_mode & 0o777 for path in [folder, *folder.rglob("*")]}
    assert {mode for path, mode in entries.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in entries.items() if path.is_file()} == {0o600}
    assert len([path for path in entries if path.is_file()]) > 3
    assert "a secret question" not in server.log


def test_the_key_of_one_server_opens_no_other(server, jupyter):
    other = jupyter()
    for port in PORTS:
        with getattr(other, port)(server.found["api_key"]) as stranger:
            assert stranger.get("first/v1/batches").status_code == 401
            assert stranger.get("first/v1/files").status_code == 401
            assert stranger.get("first/api/usage").status_code == 401


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A server that keeps 100 KB of files."""
    running = Jupyter(tmp_path_factory.mktemp("small"), "--FirstApp.max_uploads=100000")
    yield running
    running.close()


@pytest.mark.parametrize(
    ("port", "is_told"), [("kernels_port", True), ("kernels_port", False), ("jupyters_port", True)]
)
def test_uploads_end_at_what_all_files_may_have(small, port, is_told):
    with getattr(small, port)() as client:
        first = upload(client, content=b"x" * 60_000).json()["id"]
        body = [HEAD % (b"purpose", b""), b"batch\r\n", HEAD % (b"file", b'; filename="b"'), b"x" * 60_000]
        body.append(b"\r\n--x--\r\n")
        content = b"".join(body) if is_told else iter(body)
        refused = client.post("first/v1/files", content=content, headers=FORM)
        assert (refused.status_code, refused.json()["error"]["code"]) == (413, "files_full")
        assert [each["id"] for each in client.get("first/v1/files").json()["data"]] == [first]
        client.delete(f"first/v1/files/{first}")
        again = upload(client, content=b"x" * 60_000)
        assert again.status_code == 200
        client.delete(f"first/v1/files/{again.json()['id']}")
    assert not list(small.home.rglob("files/*.part"))
