"""Batches as OpenAI's documentation makes them, on real servers."""

from __future__ import annotations

import http.client
import json
import os
import signal

import httpx
import openai
import pytest
from campus import MODEL
from jupyter_process import SMOLLM2, Jupyter, wait_until

CHAT = "/v1/chat/completions"
ENDED = ("completed", "failed", "expired", "cancelled")


def line(number, model=MODEL, say=None, **body):
    asked = [{"role": "user", "content": say or f"Say the number {number}."}]
    asked = {"model": model, "messages": asked, "max_tokens": 4, "temperature": 0, **body}
    return {"custom_id": f"request-{number}", "method": "POST", "url": CHAT, "body": asked}


def lines(*entries):
    return "".join(json.dumps(entry) + "\n" for entry in entries).encode()


def begin(client, content, **options):
    uploaded = client.files.create(file=("requests.jsonl", content), purpose="batch")
    asked = {"endpoint": CHAT, "completion_window": "24h", **options}
    return client.batches.create(input_file_id=uploaded.id, **asked)


def until(client, batch, *statuses, seconds=180):
    def now():
        found = client.batches.retrieve(batch.id)
        return found if found.status in statuses else None

    return wait_until(now, seconds, lambda: str(client.batches.retrieve(batch.id)))


def until_more(client, batch, rows, seconds=60):
    """Wait until more rows than these are answered."""

    def are_answered():
        return client.batches.retrieve(batch.id).request_counts.completed > rows

    wait_until(are_answered, seconds, lambda: str(client.batches.retrieve(batch.id)))


def ids(client, file_id):
    return [entry["custom_id"] for entry in entries(client, file_id)]


def entries(client, file_id):
    return [json.loads(text) for text in client.files.content(file_id).text.splitlines()]


@pytest.mark.model
@pytest.mark.parametrize("port", ["openai", "openai_through_jupyter"])
def test_a_small_batch_is_answered_in_order_on_both_ports(lab, port):
    with getattr(lab.warm(), port)() as client:
        content = lines(*(line(number, "smollm2") for number in range(6)))
        batch = begin(client, content, metadata={"description": "numbers"})
        assert (batch.object, batch.metadata) == ("batch", {"description": "numbers"})
        done = until(client, batch, *ENDED)
        assert (done.status, done.errors, done.error_file_id) == ("completed", None, None)
        counts = done.request_counts
        assert (counts.total, counts.completed, counts.failed) == (6, 6, 0)
        answers = entries(client, done.output_file_id)
        assert [answer["custom_id"] for answer in answers] == [f"request-{number}" for number in range(6)]
        for answer in answers:
            assert answer["response"]["status_code"] == 200
            assert answer["response"]["body"]["choices"][0]["message"]["content"]
        assert done.id in [each.id for each in client.batches.list()]
        assert (done.model, done.first["clusters"]) == (SMOLLM2, {"local": 6})
        written = [answer["response"]["body"]["usage"]["completion_tokens"] for answer in answers]
        assert done.usage.output_tokens == sum(written) > 0


@pytest.mark.model
def test_a_batch_of_embeddings_starts_its_model(lab):
    with lab.cold("lab/embedder").openai() as client:
        asked = [{"model": "embedder", "input": text} for text in ("one", "two")]
        content = lines(
            *(
                {"custom_id": body["input"], "method": "POST", "url": "/v1/embeddings", "body": body}
                for body in asked
            )
        )
        done = until(client, begin(client, content, endpoint="/v1/embeddings"), *ENDED)
        one, two = (entry["response"]["body"]["data"] for entry in entries(client, done.output_file_id))
        assert len(one[0]["embedding"]) == len(two[0]["embedding"]) > 100


def test_mistakes_are_told_with_their_lines(jupyter, two_campuses):
    with jupyter(federation=two_campuses).openai() as client:
        batch = begin(client, lines(line(1), line(1), line(3, model="nobody")) + b'{"cut": ')
        failed = until(client, batch, *ENDED)
        assert failed.status == "failed"
        assert [(error.line, error.code) for error in failed.errors.data] == [
            (2, "duplicate_custom_id"),
            (3, "model_not_found"),
            (4, "invalid_json_line"),
        ]


def test_files_are_listed_read_and_removed(jupyter, two_campuses):
    with jupyter(federation=two_campuses).openai() as client:
        content = lines(line(1))
        one, two = (client.files.create(file=(name, content), purpose="batch") for name in ("one", "two"))
        assert (one.bytes, one.filename, one.purpose, one.status) == (
            len(content),
            "one",
            "batch",
            "processed",
        )
        assert [file.id for file in client.files.list(limit=1)] == [two.id, one.id]
        assert client.files.content(one.id).read() == content
        assert client.files.delete(one.id).deleted
        with pytest.raises(openai.NotFoundError, match="There is no file"):
            client.files.retrieve(one.id)
        with pytest.raises(openai.NotFoundError, match="There is no file"):
            client.batches.create(input_file_id=one.id, endpoint=CHAT, completion_window="24h")
        with pytest.raises(openai.BadRequestError, match="'purpose' must be 'batch'"):
            client.files.create(file=("three", content), purpose="fine-tune")


def test_a_large_file_passes_both_ports_as_it_comes(jupyter, two_campuses, tmp_path):
    server = jupyter(federation=two_campuses)
    path = tmp_path / "large.jsonl"
    with path.open("wb") as file:
        for number in range(100):
            file.write(lines(line(number, say="x" * 500_000)))
    for client in (server.openai(), server.openai_through_jupyter()):
        with client, path.open("rb") as file:
            uploaded = client.files.create(file=file, purpose="batch")
            assert uploaded.bytes == path.stat().st_size > 32 * 2**20
            with client.files.with_streaming_response.content(uploaded.id) as answer:
                assert sum(map(len, answer.iter_bytes())) == uploaded.bytes


@pytest.mark.parametrize("port", ["kernels_port", "jupyters_port"])
def test_nobody_uploads_without_a_key_or_more_than_is_taken(jupyter, two_campuses, port):
    server = jupyter(federation=two_campuses)
    path = "first/v1/files"
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    with getattr(server, port)(key="not-the-key") as client:
        answer = client.post(path, content=b"--x--", headers=form)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
        for method, at in (("GET", path), ("GET", "first/v1/batches"), ("DELETE", f"{path}/file-1")):
            assert client.request(method, at).status_code == 401
    with getattr(server, port)() as client:
        answer = client.post(path, content=b"no form")
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_form")
        too_large = form | {"Content-Length": str(2**31), "Authorization": client.headers["Authorization"]}
        raw = http.client.HTTPConnection(client.base_url.host, client.base_url.port, timeout=30)
        raw.putrequest("POST", f"{client.base_url.path}{path}")
        for name, value in too_large.items():
            raw.putheader(name, value)
        raw.endheaders(b"--x")
        refused = raw.getresponse()
        assert (refused.status, json.loads(refused.read())["error"]["code"]) == (413, "file_too_large")
        raw.close()


def test_a_million_bytes_that_never_end_leave_nothing_behind(jupyter, two_campuses):
    server = jupyter(federation=two_campuses)

    def broken_off():
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n' + b"x" * 2**20
        raise httpx.WriteError("the laptop sleeps")

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    with server.kernels_port() as client, pytest.raises(httpx.HTTPError):
        client.post("first/v1/files", content=broken_off(), headers=headers)
    files = server.home / "data" / "first" / "batch" / "files"
    wait_until(lambda: files.is_dir() and not list(files.iterdir()), 30)


def test_poison_is_set_aside_with_its_reason_and_stops_nobody(jupyter, two_campuses):
    with jupyter(federation=two_campuses).openai() as client:
        content = lines(*(line(number, say="poison" if number == 5 else None) for number in range(200)))
        done = until(client, begin(client, content), *ENDED)
        assert (done.request_counts.completed, done.request_counts.failed) == (199, 1)
        (entry,) = entries(client, done.error_file_id)
        assert entry["custom_id"] == "request-5"
        assert entry["response"]["body"]["error"]["message"] == "This prompt is poison."
        assert "request-5" not in ids(client, done.output_file_id)


def test_rows_go_to_both_clusters_or_only_where_they_may(jupyter, two_campuses):
    with jupyter(federation=two_campuses).openai() as client:
        content = lines(*map(line, range(400)))
        both = until(client, begin(client, content), *ENDED)
        assert set(both.first["clusters"]) == {"campus0", "campus1"}
        here = until(client, begin(client, content, extra_headers={"x-first-stay": "campus1"}), *ENDED)
        assert here.first["clusters"] == {"campus1": 400}


def test_a_killed_server_s_batch_is_gone_on_with_by_the_next(tmp_path, two_campuses, campuses):
    """Every row exactly once, though the Jupyter server and a cluster are killed, and it is cancelled."""
    expected = [f"request-{number}" for number in range(3_000)]
    content = lines(*map(line, range(3_000)))
    home = tmp_path / "jupyter"
    first = Jupyter(home, federation=two_campuses)
    try:
        with first.openai() as client:
            batch = begin(client, content)
            until_more(client, batch, 300)
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait()
        wait_until(lambda: not first.processes(), 30)
    finally:
        first.close()
    second = Jupyter(home, federation=two_campuses)
    try:
        with second.openai() as client:
            until_more(client, batch, 900)
            campuses[0].kill()
            until_more(client, batch, 1_500)
            client.batches.cancel(batch.id)
            cancelled = until(client, batch, *ENDED)
            assert cancelled.status == "cancelled"
            partly = ids(client, cancelled.output_file_id)
            assert partly == sorted(set(partly), key=expected.index)
            campuses[0].start()
            client.post(f"/batches/{batch.id}/resume", cast_to=object)
            done = until(client, batch, *ENDED)
            assert done.status == "completed"
            assert ids(client, done.output_file_id) == expected
            assert done.error_file_id is None
    finally:
        second.close()


@pytest.mark.parametrize("process", ["first_jupyter_server.batch", "first_jupyter_server.dataplane"])
def test_a_killed_process_is_replaced_and_the_batch_goes_on(jupyter, two_campuses, process):
    server = jupyter(federation=two_campuses)
    with server.openai(timeout=30) as client:
        batch = begin(client, lines(*map(line, range(2_000))))
        until_more(client, batch, 200)
        (pid,) = (pid for pid, words in server.processes().items() if process in words)
        os.kill(pid, signal.SIGKILL)
        patient = client.with_options(max_retries=5)
        done = until(patient, batch, *ENDED)
        assert ids(patient, done.output_file_id) == [f"request-{number}" for number in range(2_000)]


def test_a_full_disk_pauses_a_batch_until_there_is_room(jupyter, two_campuses, small_disk):
    server = jupyter(f"--FirstApp.data_dir={small_disk}", federation=two_campuses)
    with server.openai() as client:
        batch = begin(client, lines(*(line(number, say="x" * 800) for number in range(600))))
        wait_until(lambda: client.batches.retrieve(batch.id).first["reason"], 60)
        paused = client.batches.retrieve(batch.id)
        assert "It goes on by itself once there is room" in paused.first["reason"]
        assert paused.status in ("in_progress", "finalizing")
        more = ["mount", "-o", "remount,size=64m", str(small_disk)]
        assert os.spawnvp(os.P_WAIT, more[0], more) == 0
        done = until(client, batch, *ENDED)
        assert (done.status, done.request_counts.completed) == ("completed", 600)


def test_a_folder_that_cannot_be_made_is_told_and_made_as_soon_as_it_can(jupyter, two_campuses):
    server = jupyter(federation=two_campuses)
    in_its_place = server.home / "data" / "first" / "batch"
    in_its_place.write_text("a file where a folder should be")
    with server.openai() as client:
        with pytest.raises(openai.InternalServerError, match="cannot be written or read here") as refused:
            client.files.list()
        assert refused.value.status_code == 507
        in_its_place.unlink()
        wait_until(lambda: server.kernels_port().get("first/v1/files").status_code == 200, 60)


def test_browsers_are_told_how_far_a_batch_is(jupyter, two_campuses):
    server = jupyter(federation=two_campuses)
    socket = server.websocket("api/events/subscribe")
    with server.openai() as client:
        batch = begin(client, lines(*map(line, range(50))))
        told = []
        while not told or told[-1]["status"] not in ENDED:
            event = json.loads(socket.recv())
            if event["schema_id"] == "https://first-jupyter.org/events/batch/v1":
                told.append(event)
    socket.close()
    assert {event["id"] for event in told} == {batch.id}
    assert list(dict.fromkeys(event["status"] for event in told))[-2:] == ["finalizing", "completed"]
    assert (told[-1]["model"], told[-1]["total"], told[-1]["completed"]) == (MODEL, 50, 50)
