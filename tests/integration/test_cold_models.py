"""Models that are not hot yet: started by the first request, waited for, or not."""

from __future__ import annotations

import json
import re
import socket
import threading
from urllib.parse import urlsplit

import pytest
from jupyter_process import TELL, text_of, wait_until

pytestmark = pytest.mark.model

HELLO = {
    "model": "smollm2",
    "messages": [{"role": "user", "content": "Say hello."}],
    "max_tokens": 8,
    "temperature": 0,
}
NEVER = {"model": "lab/never-ready", "messages": HELLO["messages"], "stream": True}
CHAT = "first/v1/chat/completions"


@pytest.mark.parametrize("through", ["openai", "openai_through_jupyter"])
def test_the_first_request_starts_a_model_and_streams(lab, through):
    with getattr(lab.cold(), through)() as client:
        assert text_of(client.chat.completions.create(**HELLO, stream=True))
    assert lab.place()["state"] == "hot"


@pytest.mark.parametrize("port", ["kernels_port", "jupyters_port"])
def test_who_will_not_wait_is_told_how_long_it_takes(lab, port):
    with getattr(lab.cold(), port)(lab.found["api_key"]) as kernel:
        answer = kernel.post(CHAT, json=HELLO, headers={"x-first-wait": "0"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (503, "model_not_ready")
    assert int(answer.headers["retry-after"]) >= 1
    assert re.search(r"SmolLM2-135M-Instruct is (cold|queued|starting) on local", error["message"])


def test_who_will_not_wait_has_it_started_all_the_same(lab):
    with lab.cold().kernels_port() as kernel:
        assert kernel.post(CHAT, json=HELLO, headers={"x-first-wait": "0"}).status_code == 503
    assert lab.until("hot")


def test_who_waits_for_a_while_is_told_when_it_is_over(lab):
    with lab.kernels_port() as kernel:
        answer = kernel.post(CHAT, json=NEVER, headers={"x-first-wait": "0.5"})
    assert answer.status_code == 503
    assert re.search(r"(queued|starting) on local", answer.json()["error"]["message"])


def test_a_model_that_started_before_says_how_long_it_will_take(lab):
    lab.warm().cold().post("models/start", model="smollm2")
    place = wait_until(lambda: (at := lab.place())["state"] == "starting" and at, 60)
    assert place["eta"] >= 0.5
    assert place["reason"]


def test_a_start_under_way_tells_its_stages_with_their_usual_times(lab):
    lab.warm().cold().post("models/start", model="smollm2")
    place = wait_until(lambda: (at := lab.place())["state"] == "starting" and at, 60)
    stages = {each["stage"]: each for each in place["stages"]}
    assert (stages["queued"]["state"], stages[place["stage"]]["state"]) == ("done", "now")
    assert all(each["usual"] is not None for each in place["stages"])
    assert all(each["seconds"] >= 0 for each in place["stages"] if each["state"] != "ahead")
    assert lab.until("hot")["stages"] == []
    assert lab.place()["leases"][0]["path"] == "direct"


def test_many_who_wait_for_one_model_start_it_once(lab):
    lab.cold()
    answers = []
    askers = [threading.Thread(target=lambda: answers.append(lab.ask())) for _ in range(4)]
    [asker.start() for asker in askers]
    [asker.join(120) for asker in askers]
    assert len(answers) == 4
    assert len(lab.backends()) == 1


@pytest.mark.parametrize("url", ["base_url", "server_url"])
def test_a_client_that_leaves_is_taken_out_of_the_line(lab, url):
    at, body = urlsplit(lab.found[url]), json.dumps(NEVER).encode()
    lines = [f"POST {at.path.removesuffix('first/v1')}{CHAT} HTTP/1.1", f"Host: {at.netloc}"]
    lines += [f"Authorization: Bearer {lab.found['api_key']}", f"Content-Length: {len(body)}", "", ""]
    with socket.create_connection((at.hostname, at.port)) as client:
        client.sendall("\r\n".join(lines).encode() + body)
        wait_until(lambda: waiting(lab) == 1, 60)
    wait_until(lambda: waiting(lab) == 0, 60)


@pytest.mark.parametrize("through", ["openai", "openai_through_jupyter"])
def test_a_client_that_leaves_in_the_middle_of_an_answer_frees_the_model(lab, through):
    with getattr(lab.warm(), through)() as client:
        stream = client.chat.completions.create(**TELL)
        next(iter(stream))
        assert lab.metrics()["llamacpp:requests_processing"] == 1
        stream.close()
    wait_until(lambda: lab.metrics()["llamacpp:requests_processing"] == 0, 60)
    wait_until(lambda: lab.place()["running"] == 0, 60)


def test_a_stream_that_waits_is_kept_alive_by_comments(lab):
    with lab.kernels_port() as kernel, kernel.stream("POST", CHAT, json=NEVER) as answer:
        comment = next(answer.iter_lines())
    assert comment.startswith(": lab/never-ready is starting on local")


def waiting(lab):
    return lab.place("lab/never-ready")["waiting"]
